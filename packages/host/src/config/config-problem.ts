/** Something wrong in a configuration file, in terms of the person who wrote it. Lines and columns count from 1. */
export interface ConfigProblem {
  file: string;
  line: number;
  column: number;
  message: string;
  remedy: string;
}

/** `config/agents.yaml:4:5: unknown key "modle" → did you mean "model"?`, one problem a line. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ file, line, column, message, remedy }) => `${file}:${line}:${column}: ${message}\n    ${remedy}`)
    .join('\n');
}

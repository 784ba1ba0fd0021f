/** What is wrong with a script, where (1-based), and what to do about it. */
export interface ScriptProblem {
  file: string;
  line: number;
  column: number;
  message: string;
  remedy: string;
}

/** `scripts/sales.yaml:12:7: rules.0.answer.cals: … Remedy.` */
export function scriptProblemText({ file, line, column, message, remedy }: ScriptProblem): string {
  return `${file}:${line}:${column}: ${message}. ${remedy}`;
}

import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { ConfigProblem } from './config-problem.ts';
import { explainIssue } from './explain-issue.ts';

/** Larger files are refused unread. */
const MOST_CHARACTERS = 1024 * 1024;
/** Aliases are for a shared prompt or two; a bomb needs many. */
const MOST_ALIASES = 50;
/** Nesting that no configuration needs, and that a recursive parser may not survive. */
const MOST_NESTING = 100;

export type Parsed<T> = { ok: true; value: T; locate: Locate } | { ok: false; problems: ConfigProblem[] };
/**
 * Where a path stands in the file: its key, or the nearest that exists. With `within`, that character of the text
 * that is the value there, where it is written on one line without escapes; else its beginning.
 */
export type Locate = (path: readonly PropertyKey[], within?: number) => { line: number; column: number };

/**
 * Parses YAML 1.2 (core schema; duplicate keys, unknown tags, merge keys and alias bombs are errors), or with
 * `json` strict JSON, and holds it to `schema`. Every problem is reported, each with its place. `file` is only for
 * the reports.
 */
export function parseDocumentAs<S extends z.ZodType>(
  schema: S,
  { file, text, json }: { file: string; text: string; json: boolean },
): Parsed<z.output<S>> {
  const problem = (line: number, column: number, message: string, remedy: string): ConfigProblem => ({
    file,
    line,
    column,
    message,
    remedy,
  });
  if (text.length > MOST_CHARACTERS)
    return {
      ok: false,
      problems: [problem(1, 1, 'the file is larger than 1 MB', 'Remove what does not belong in it.')],
    };
  const deep = deepNesting(text);
  if (deep) {
    return {
      ok: false,
      problems: [
        problem(deep.line, deep.column, 'nested too deeply', `Nest at most ${MOST_NESTING} levels.`),
      ],
    };
  }
  if (json) {
    const wrong = jsonProblem(text);
    if (wrong)
      return { ok: false, problems: [problem(wrong.line, wrong.column, wrong.message, JSON_REMEDY)] };
  }

  const lines = new LineCounter();
  // Tabs are white space in JSON but not in YAML's indentation; a string of JSON cannot hold one.
  const source = (json ? text.replaceAll('\t', ' ') : text).replace(/^\uFEFF/, ' ');
  const document = parseDocument(source, {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    merge: false,
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return {
      ok: false,
      problems: faults.slice(0, 20).map((fault) => {
        const { line, col } = lines.linePos(fault.pos[0]);
        return problem(line, col, firstLine(fault.message), remedyOf(fault.code));
      }),
    };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return {
      ok: false,
      problems: [problem(1, 1, 'too many aliases', `Use at most ${MOST_ALIASES} aliases (*name).`)],
    };
  }

  const locate: Locate = (path, within) => {
    const offset = within === undefined ? offsetOf(document, path) : textOffset(document, path, within);
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const parsed = schema.safeParse(value ?? {}, { reportInput: true });
  if (parsed.success) return { ok: true, value: parsed.data, locate };
  const problems = parsed.error.issues.flatMap((issue) =>
    explainIssue(schema, issue).map(({ path, message, remedy }) => ({
      file,
      ...locate(path),
      message,
      remedy,
    })),
  );
  return { ok: false, problems };
}

const JSON_REMEDY = 'Write it as JSON: double quotes, no comments, no comma after the last entry.';

function jsonProblem(text: string): { line: number; column: number; message: string } | null {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    const before = position === undefined ? text : text.slice(0, Number(position));
    const line = before.split('\n').length;
    return {
      line,
      column: before.length - before.lastIndexOf('\n'),
      message: `not valid JSON: ${message.replace(/ in JSON.*| \(line.*/s, '')}`,
    };
  }
}

/** Flow nesting by brackets and block nesting by indentation, without parsing. */
function deepNesting(text: string): { line: number; column: number } | null {
  let depth = 0;
  let line = 1;
  let lineStart = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '\n') {
      line += 1;
      lineStart = index + 1;
    } else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    const chain = character === '-' && text.startsWith('- '.repeat(MOST_NESTING), index);
    if (depth > MOST_NESTING || chain) return { line, column: index - lineStart + 1 };
  }
  return null;
}

/** The offset of the key that ends `path`, or of the nearest enclosing one that exists. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = start(node);
  for (const [index, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String(isScalar(item.key) ? item.key.value : item.key) === String(part),
      );
      if (!pair) return offset;
      offset = start(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = document.getIn(path.slice(0, index + 1), true);
      offset = start(node) ?? offset;
    }
  }
  return offset;
}

function textOffset(document: Document, path: readonly PropertyKey[], within: number): number {
  const node = document.getIn(path, true);
  if (!isScalar(node) || typeof node.value !== 'string') return offsetOf(document, path);
  const quote = node.type === 'PLAIN' ? 0 : 1;
  const [from, to] = node.range ?? [0, 0];
  const asWritten = to - from === node.value.length + 2 * quote;
  return asWritten ? from + quote + within : from;
}

function start(node: unknown): number {
  const range = (node as Node | null | undefined)?.range;
  return range?.[0] ?? 0;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

function remedyOf(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'Keep one of the two.';
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces.';
  if (code === 'TAG_RESOLVE_FAILED') return 'Remove the tag (!…): only plain values are read.';
  if (code === 'MULTIPLE_DOCS') return 'Keep one document in the file (no "---" in the middle).';
  return 'Check the indentation, quotes and colons on this line and the one before.';
}

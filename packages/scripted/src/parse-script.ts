import { Script } from '@openlegion/contract/scripted-script';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type CompiledScript, compileScript } from './compile-script.ts';
import type { ScriptProblem } from './script-problem.ts';

export type ParsedScript = { ok: true; script: CompiledScript } | { ok: false; problem: ScriptProblem };

/** Larger than any script a person writes. */
export const SCRIPT_BYTES = 1024 * 1024;

type Path = readonly (string | number)[];

/**
 * Holds the text of a script file to its schema, and its patterns and placeholders to what can be matched and
 * filled. The first thing wrong is returned with its place in the file. YAML 1.2, no custom tags, duplicate keys
 * are errors, aliases are limited.
 */
export function parseScript(text: string, file: string): ParsedScript {
  const lines = new LineCounter();
  const refuse = (offset: number, message: string, remedy: string): ParsedScript => {
    const { line, col } = lines.linePos(offset);
    return { ok: false, problem: { file, line, column: col, message, remedy } };
  };
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) return refuse(fault.pos[0], fault.message.trim(), 'Correct the YAML there');
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    return refuse(0, error instanceof Error ? error.message : String(error), 'Write the repeated parts out');
  }
  if (value === null || value === undefined)
    return refuse(0, 'the script is empty', 'Write at least `otherwise: { text: … }`');

  const parsed = Script.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    if (!issue) return refuse(0, 'the script does not fit its schema', 'See docs/scripted-model.md');
    const { path, message, remedy } = describe(issue);
    return refuse(offsetOf(document, path), message, remedy);
  }
  const compiled = compileScript(parsed.data);
  if (compiled.ok) return compiled;
  const { path, message, remedy } = compiled.fault;
  return refuse(offsetOf(document, path), `${path.join('.')}: ${message}`, remedy);
}

function describe(issue: z.core.$ZodIssue): { path: Path; message: string; remedy: string } {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = knownKeys(path);
    return {
      path: [...path, key],
      message: `${where}there is no setting "${key}"`,
      remedy: known ? `Known here: ${known.join(', ')}` : 'Remove it',
    };
  }
  return {
    path,
    message: `${where}${issue.message}`,
    remedy: 'See docs/scripted-model.md for what goes there',
  };
}

/** The settings of the object at `path`, for the remedy of an unknown one. */
function knownKeys(path: Path): string[] | null {
  const rule = Script.shape.rules.unwrap().element.shape;
  const answer = rule.answer.shape;
  const names = path.filter((part) => typeof part === 'string');
  const last = names.at(-1);
  if (last === undefined) return Object.keys(Script.shape);
  if (last === 'rules') return Object.keys(rule);
  if (last === 'when') return Object.keys(rule.when.shape);
  if (last === 'answer' || last === 'otherwise') return Object.keys(answer);
  if (last === 'calls') return Object.keys(answer.calls.unwrap().element.shape);
  if (last === 'usage') return Object.keys(answer.usage.unwrap().shape);
  if (last === 'error') return Object.keys(answer.error.unwrap().shape);
  return null;
}

/** Where the node at `path` begins: the key of its pair where there is one, else the nearest ancestor. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last));
      if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0;
}

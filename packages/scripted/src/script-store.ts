import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledScript } from './compile-script.ts';
import { parseScript, SCRIPT_BYTES } from './parse-script.ts';
import { type ScriptProblem, scriptProblemText } from './script-problem.ts';

export type FoundScript =
  | { found: 'script'; script: CompiledScript }
  | { found: 'none'; message: string }
  | { found: 'broken'; message: string };

export interface ScriptStore {
  /** The script as it is on disk now; one that was edited into something broken is broken, never its old self. */
  get(model: string): Promise<FoundScript>;
  names(): Promise<string[]>;
}

/** No dot and no slash: the name cannot leave the directory. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const ENDING = '.yaml';

/** Scripts are `NAME.yaml` in one directory; read again when their file changes. */
export function createScriptStore(directory: string): ScriptStore {
  const known = new Map<string, { version: string; result: FoundScript }>();

  const names = async (): Promise<string[]> => {
    const files = await readdir(directory).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    return files
      .filter((file) => file.endsWith(ENDING) && NAME.test(file.slice(0, -ENDING.length)))
      .map((file) => file.slice(0, -ENDING.length))
      .sort();
  };

  const none = async (name: string): Promise<FoundScript> => {
    const there = await names();
    const list = there.length > 0 ? `there are: ${there.join(', ')}` : 'there are none yet';
    return { found: 'none', message: `There is no script "${name}" in ${directory}; ${list}.` };
  };

  const get = async (model: string): Promise<FoundScript> => {
    const name = model.startsWith('scripted/') ? model.slice('scripted/'.length) : model;
    if (!NAME.test(name)) return none(name.slice(0, 100));
    const file = join(directory, name + ENDING);
    const handle = await open(file, 'r').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (!handle) {
      known.delete(name);
      return none(name);
    }
    await using _closed = handle;
    const stat = await handle.stat({ bigint: true });
    const version = `${stat.ino}:${stat.mtimeNs}:${stat.size}`;
    const before = known.get(name);
    if (before?.version === version) return before.result;
    const result = read(file, stat.size > SCRIPT_BYTES ? null : await handle.readFile('utf8'));
    known.set(name, { version, result });
    return result;
  };

  return { get, names };
}

function read(file: string, text: string | null): FoundScript {
  const broken = (problem: ScriptProblem): FoundScript => ({
    found: 'broken',
    message: scriptProblemText(problem),
  });
  if (text === null)
    return broken({
      file,
      line: 1,
      column: 1,
      message: `the script is over ${SCRIPT_BYTES} bytes`,
      remedy: 'Split it into several',
    });
  const parsed = parseScript(text, file);
  return parsed.ok ? { found: 'script', script: parsed.script } : broken(parsed.problem);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

import { isObject, type Json, type JsonObject } from '../../process/parse-json.ts';

/** `allowed_tools` of the agent that asks: whether a tool of this name was granted to it. */
export type MayUse = (name: string) => boolean;

/** Where a dialect's body lists tools, and where each entry has its name (`../../dialects/README.md`). */
export type ToolTable = Record<string, string[]>;

const LONGEST_NAME = 200;

/**
 * The record of `allowed_tools` as the host sends it: a tool's own entry decides, else the longest pattern that
 * covers it, else it is not granted. What asks a person first is granted here; it is asked where the tool is run.
 */
export function createMayUse(entries: ReadonlyMap<string, boolean>): MayUse {
  const patterns = [...entries]
    .filter(([pattern]) => pattern.includes('*'))
    .sort(([a], [b]) => b.length - a.length)
    .map(([pattern, granted]) => [wildcard(pattern), granted] as const);
  return (name) => {
    if (name.length > LONGEST_NAME) return false;
    return entries.get(name) ?? patterns.find(([pattern]) => pattern.test(name))?.[1] ?? false;
  };
}

function wildcard(pattern: string): RegExp {
  const parts = pattern.split(/\*+/).map((part) => part.replace(/[^A-Za-z0-9_]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

/**
 * The body without the tools that were not granted. With the last of them goes the choice between them, and so does
 * a choice that names one of them: the provider would refuse the whole call for it. `offers`: tools are left in it.
 */
export function withoutUngranted(
  body: JsonObject,
  { tools, toolChoices }: { tools: ToolTable; toolChoices: readonly string[] },
  mayUse: MayUse,
): { body: JsonObject; offers: boolean } {
  const result: JsonObject = { ...body };
  const taken: string[] = [];
  let offers = false;
  for (const [list, paths] of Object.entries(tools)) {
    const given = body[list];
    if (!Array.isArray(given)) continue;
    const kept = given.flatMap((entry) => keep(entry, paths));
    if (kept.length > 0) result[list] = kept;
    else delete result[list];
    offers ||= kept.length > 0;
  }
  for (const choice of toolChoices) {
    const text = JSON.stringify(result[choice] ?? null);
    const isVoid = !offers || taken.some((name) => text.includes(JSON.stringify(name)));
    if (taken.length > 0 && isVoid) delete result[choice];
  }
  return { body: result, offers };

  function keep(entry: Json, paths: readonly string[]): Json[] {
    for (const path of paths) {
      const [inner = '', rest] = path.split('.*.');
      if (rest !== undefined) {
        const listed = isObject(entry) ? entry[inner] : undefined;
        if (!isObject(entry) || !Array.isArray(listed)) continue;
        const kept = listed.filter((each) => isGranted(at(each, rest)));
        return kept.length > 0 ? [{ ...entry, [inner]: kept }] : [];
      }
      const name = at(entry, path);
      if (name !== undefined) return isGranted(name) ? [entry] : [];
    }
    // Without a name there is nothing that could be granted.
    return [];
  }

  function isGranted(name: Json | undefined): boolean {
    const granted = typeof name === 'string' && mayUse(name);
    if (!granted && typeof name === 'string') taken.push(name);
    return granted;
  }
}

function at(value: Json, path: string): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path.split('.')) found = isObject(found) ? found[key] : undefined;
  return found;
}

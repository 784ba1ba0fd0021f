import { parse } from 'yaml';
import { z } from 'zod';
import { shown } from '../mcp/bound-definition.ts';

const FRONT_MATTER_CHARS = 16 * 1024;

/** A pack of instructions in the Agent Skills format: a folder with `SKILL.md` and whatever it speaks of. */
export interface SkillPack {
  name: string;
  description: string;
  /** Its folder, below the directory of its skills. */
  folder: string;
}

/** Of what the format knows only these two are used: `allowed-tools` in a pack grants nothing. */
const FrontMatter = z.object({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'lower case letters, digits and single hyphens'),
  description: z.string().min(1).max(1024),
});

/** Reads the front matter of a `SKILL.md`: name and description, as they may be shown. */
export function parsePack(
  text: string,
  folder: string,
): { ok: true; pack: SkillPack } | { ok: false; problem: string } {
  const front = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(
    text.slice(0, FRONT_MATTER_CHARS),
  )?.[1];
  if (front === undefined)
    return { ok: false, problem: 'SKILL.md does not begin with --- and name and description, ended by ---' };
  let value: unknown;
  try {
    value = parse(front, { maxAliasCount: 0, uniqueKeys: true, schema: 'core' });
  } catch (error) {
    return {
      ok: false,
      problem: `its front matter is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : ''}`,
    };
  }
  const read = FrontMatter.safeParse(value);
  if (!read.success) {
    const issue = read.error.issues[0];
    return { ok: false, problem: `its front matter: ${issue?.path.join('.')}: ${issue?.message}` };
  }
  return {
    ok: true,
    pack: { name: read.data.name, description: shown(read.data.description, 1024), folder },
  };
}

/*
 * /data/skills/operator (given by the host, replaced as a whole) ┐
 * /data/skills/own      (written by the agent itself)            ┴→ find → describe, what changed → names → tools
 */
import type { DescribedModule, DescribedTool, DescribeSkills } from './describe-skills.ts';
import { type FoundSkill, type FoundSkills, findSkills, readStart } from './find-skills.ts';
import { parsePack, type SkillPack } from './parse-pack.ts';
import { toolSkeleton } from './tool-skeleton.ts';

export const SKILL_ROOTS = ['operator', 'own'] as const;
export type SkillRoot = (typeof SKILL_ROOTS)[number];

export interface KnownTool extends DescribedTool {
  root: SkillRoot;
  path: string;
  file: string;
}

export interface KnownPack extends SkillPack {
  root: SkillRoot;
}

/** Everything that is there as of now. */
export interface Skills {
  tools: KnownTool[];
  packs: KnownPack[];
  /** What lies there and cannot be used, and why. */
  problems: { root: SkillRoot; path: string; problem: string }[];
}

export interface SkillRegistry {
  /** Looks for changes and takes them in; `anew` loads every module again. One at a time; the newest state of all. */
  refresh(anew?: boolean): Promise<Skills>;
}

const SKILL_MD_BYTES = 64 * 1024;

/**
 * `reserved` are the names of the agent's own tools. A skill named like one of them, like an MCP server's, or like one
 * that came before it is not offered: the operator's come before the agent's, and names that look alike are the same.
 */
export function createSkillRegistry(options: {
  directory: string;
  describe: DescribeSkills;
  reserved: readonly string[];
}): SkillRegistry {
  const modules = new Map<string, { state: string; described: DescribedModule }>();
  const packs = new Map<string, { state: string; parsed: ReturnType<typeof parsePack> }>();
  let states = '';
  let skills: Skills = { tools: [], packs: [], problems: [] };
  let last: Promise<unknown> = Promise.resolve();

  const look = async (anew: boolean): Promise<Skills> => {
    const roots = await Promise.all(SKILL_ROOTS.map((root) => findSkills(`${options.directory}/${root}`)));
    const found = roots.map((one) => one.state).join();
    if (found === states && !anew) return skills;
    skills = await take(roots, anew);
    states = found;
    return skills;
  };

  const take = async (roots: readonly FoundSkills[], anew: boolean): Promise<Skills> => {
    const next: Skills = { tools: [], packs: [], problems: [] };
    const taken = new Map(options.reserved.map((name) => [toolSkeleton(name), `the agent's own ${name}`]));
    for (const [index, root] of SKILL_ROOTS.entries()) {
      const found = roots[index];
      if (found === undefined) continue;
      // Each root in a process of its own: what the agent wrote says nothing of what the operator gave.
      await describeChanged(found, anew);
      for (const { path, file } of found.modules) {
        const described = modules.get(file)?.described ?? { problem: 'it was not loaded' };
        const problem = 'problem' in described ? described.problem : refuseNames(described.tools, taken);
        if (problem !== null || 'problem' in described) {
          next.problems.push({ root, path, problem: problem ?? '' });
          continue;
        }
        for (const tool of described.tools) {
          taken.set(toolSkeleton(tool.name), `${root}/${path}`);
          next.tools.push({ ...tool, root, path, file });
        }
      }
      for (const pack of found.packs) await takePack(root, pack, next);
    }
    return next;
  };

  /** A module may import others: when anything beside it changed, it is loaded again. */
  const describeChanged = async (found: FoundSkills, anew: boolean): Promise<void> => {
    const changed = found.modules.filter(({ file }) => anew || modules.get(file)?.state !== found.state);
    if (changed.length === 0) return;
    const described = await options.describe(changed.map(({ file }) => file));
    for (const { file } of changed)
      modules.set(file, {
        state: found.state,
        described: described.get(file) ?? { problem: 'it said nothing of itself' },
      });
  };

  const takePack = async (
    root: SkillRoot,
    { path, file, state }: FoundSkill,
    into: Skills,
  ): Promise<void> => {
    if (packs.get(file)?.state !== state) {
      const start = await readStart(file, SKILL_MD_BYTES);
      const folder = path.replace(/\/?SKILL\.md$/, '');
      packs.set(file, { state, parsed: parsePack(start?.bytes.toString('utf8') ?? '', folder) });
    }
    const parsed = packs.get(file)?.parsed;
    if (parsed === undefined) return;
    if (!parsed.ok) {
      into.problems.push({ root, path, problem: parsed.problem });
      return;
    }
    const { name } = parsed.pack;
    const before = into.packs.find((pack) => pack.name === name);
    if (before === undefined) into.packs.push({ ...parsed.pack, root });
    else
      into.problems.push({
        root,
        path,
        problem: `a pack named ${name} is in ${before.root}/${before.folder} already`,
      });
  };

  return {
    refresh(anew = false) {
      const mine = last.then(() => look(anew));
      last = mine.catch(() => {});
      return mine;
    },
  };
}

/** Why none of a module's tools is taken; null when all can be. */
function refuseNames(tools: readonly DescribedTool[], taken: ReadonlyMap<string, string>): string | null {
  const own = new Set<string>();
  for (const { name } of tools) {
    const skeleton = toolSkeleton(name);
    if (skeleton.startsWith('mcp_')) return `${name}: names that begin with mcp_ are those of MCP servers`;
    const holder = own.has(skeleton) ? 'another tool of the same file' : taken.get(skeleton);
    if (holder !== undefined) return `${name}: the name is, or looks like, that of ${holder}`;
    own.add(skeleton);
  }
  return null;
}

import { createHash } from 'node:crypto';
import { isAbsolute, relative, resolve } from 'node:path';
import type { SkillFiles } from '@openlegion/contract/agent-api';
import type { FleetConfig } from '../config/fleet-config.ts';
import { checkInstalled, skillDirectory } from './installed-skill.ts';
import { listSkillTree, readSkillTree } from './read-skill-tree.ts';
import { SKILL_LIMITS } from './skill-limits.ts';
import { readSkillLock } from './skill-lock-file.ts';

export interface AgentSkills {
  /** Of everything that is given; empty where it is nothing. */
  hash: string;
  files: SkillFiles['files'];
  /** What is not given, and why, for people. */
  problems: string[];
}

/**
 * What an agent is given as of now: its `skills_dir`, and installed skills that name it in the lock, each in a folder of
 * its name. An installed skill that is not exactly what was approved is not given, and neither is a `skills_dir` with
 * anything in it that is refused. Rejects never: what cannot be read is not given.
 */
export type SkillsOf = (agent: string) => Promise<AgentSkills>;

export function createSkillsOf(parts: { home: string; config: FleetConfig }): SkillsOf {
  const { home, config } = parts;
  const remembered = new Map<string, { state: string; skills: AgentSkills }>();

  return async (agent) => {
    const directory = config.agents.get(agent)?.skills_dir;
    const { locked, problem } = lockedFor(home, agent);
    if (directory === undefined && locked.length === 0)
      return { hash: '', files: [], problems: problem === null ? [] : [problem] };
    const state = await stateOf(home, directory, locked, problem);
    const known = remembered.get(agent);
    if (known && known.state === state) return known.skills;
    const skills = await gather(home, directory, locked, problem);
    remembered.set(agent, { state, skills });
    return skills;
  };
}

type Locked = [name: string, skill: ReturnType<typeof readSkillLock>['skills'][string]];

function lockedFor(home: string, agent: string): { locked: Locked[]; problem: string | null } {
  try {
    const { skills } = readSkillLock(home);
    return {
      locked: Object.entries(skills).filter(([, { agents }]) => agents.includes(agent)),
      problem: null,
    };
  } catch (error) {
    return { locked: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Looks at names, sizes and times alone: a turn that changes nothing reads no file. */
async function stateOf(
  home: string,
  directory: string | undefined,
  locked: Locked[],
  problem: string | null,
) {
  const places = [
    ...(directory === undefined ? [] : [await listSkillTree(resolve(home, directory), 'skip')]),
    ...(await Promise.all(locked.map(([name]) => listSkillTree(skillDirectory(home, name), 'take')))),
  ];
  return JSON.stringify([directory, locked, problem, places]);
}

async function gather(
  home: string,
  directory: string | undefined,
  locked: Locked[],
  problem: string | null,
): Promise<AgentSkills> {
  const problems = problem === null ? [] : [problem];
  const files = new Map<string, Buffer>();
  if (directory !== undefined) {
    const place = resolve(home, directory);
    const below = relative(home, place);
    const read =
      below.startsWith('..') || isAbsolute(below)
        ? ({ ok: false, problem: 'it is outside of the installation' } as const)
        : await readSkillTree(place, 'skip');
    if (read.ok) for (const [path, content] of read.tree) files.set(path, content);
    else problems.push(`skills_dir ${directory} is not given: ${read.problem}`);
  }
  for (const [name, skill] of locked) {
    const { state, tree } = await checkInstalled(home, name, skill);
    if (tree === null) {
      problems.push(
        `the skill ${name} is not given: ${state.problem}. Look with ./openlegion skill verify; install it again to approve it as it is.`,
      );
    } else if ([...files.keys()].some((path) => path.split('/')[0]?.toLowerCase() === name)) {
      problems.push(`the skill ${name} is not given: skills_dir has a ${name} of its own`);
    } else for (const [path, content] of tree) files.set(`${name}/${path}`, content);
  }
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  if (files.size > SKILL_LIMITS.agentFiles || bytes > SKILL_LIMITS.agentBytes) {
    problems.push(
      `no skills are given: together they have ${files.size} files and ${bytes} bytes; ${SKILL_LIMITS.agentFiles} and ${SKILL_LIMITS.agentBytes} are the limits`,
    );
    files.clear();
  }
  // With a name before it a path can be a part deeper than the contract takes.
  for (const path of files.keys())
    if (path.split('/').length > 8) {
      problems.push(`${path} is not given: it is more than 8 folders deep`);
      files.delete(path);
    }
  return { hash: hashOf(files), files: encoded(files), problems };
}

function encoded(files: ReadonlyMap<string, Buffer>): SkillFiles['files'] {
  return [...files].map(([path, content]) => ({ path, base64: content.toString('base64') }));
}

function hashOf(files: ReadonlyMap<string, Buffer>): string {
  if (files.size === 0) return '';
  const hash = createHash('sha256');
  for (const [path, content] of files) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest('hex');
}

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import {
  type LockedSkill,
  SkillName,
  type SkillOrder,
  type SkillReport,
} from '@openlegion/contract/skill-lock';
import { fetchSkill } from './fetch-skill.ts';
import { compareFiles, hashFiles, hashSkill, type SkillTree } from './hash-skill.ts';
import { checkInstalled, skillDirectory } from './installed-skill.ts';
import { readSkillTree, shown } from './read-skill-tree.ts';
import { reportSkill } from './report-skill.ts';
import { readSkillLock, writeSkillLock } from './skill-lock-file.ts';

type Install = Extract<SkillOrder, { do: 'install' }>;

/**
 * Takes a skill from a repository or a folder, shows what it asks for, and writes it with what was agreed to only after
 * a yes: the files first, then the lock, so that whatever breaks off between leaves a skill that counts as changed.
 * Nothing of it is run. Throws with what to do about it; then everything is as it was.
 */
export async function installSkill(
  order: Install,
  parts: {
    environment: NodeJS.ProcessEnv;
    now: () => Date;
    confirm: (report: SkillReport) => Promise<boolean>;
    /** For tests: a certificate to trust beside the public ones. */
    trust?: string;
  },
): Promise<{ name: string; state: 'installed' | 'kept' | 'declined' }> {
  const { home } = order;
  const lock = readSkillLock(home);
  const { tree, commit } = await takeTree(order, parts);
  const files = hashFiles(tree);
  const found = reportSkill(tree);
  const name = nameOf(order, found.packs);
  const before = Object.hasOwn(lock.skills, name) ? lock.skills[name] : undefined;
  if (before === undefined && existsSync(skillDirectory(home, name)))
    throw refuse(
      'skills.name',
      `There is a folder config/skills/${name} that was not installed.`,
      'Move it away, or install under another name with --name.',
    );
  const locked: LockedSkill = {
    ...{ source: order.source, ref: order.ref, commit, folder: order.folder, hash: hashSkill(files), files },
    agents: order.agents.length > 0 ? [...new Set(order.agents)] : (before?.agents ?? []),
    approvedAt: parts.now().toISOString(),
  };
  if (before !== undefined && isSame(before, locked)) {
    const { state } = await checkInstalled(home, name, before);
    if (state.problem === null) return { name, state: 'kept' };
  }
  const { source, ref, folder, hash, agents } = locked;
  const changes = before === undefined ? null : compareFiles(before.files, files);
  if (!(await parts.confirm({ name, source, ref, commit, folder, hash, agents, ...found, changes })))
    return { name, state: 'declined' };
  await writeTree(home, name, tree);
  const now = readSkillLock(home);
  writeSkillLock(home, { ...now, skills: sorted({ ...now.skills, [name]: locked }) });
  return { name, state: 'installed' };
}

/** Takes a skill away from disk and lock. Throws `not_found` for one that is in neither. */
export async function removeSkill(home: string, name: string): Promise<void> {
  const lock = readSkillLock(home);
  if (!SkillName.safeParse(name).success || !Object.hasOwn(lock.skills, name))
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'skills.name',
      message: `There is no installed skill ${shown(name)}.`,
      remedy: 'See them with ./openlegion skill list.',
    });
  const { [name]: _removed, ...skills } = lock.skills;
  // The lock first: what it does not name is given to nobody.
  writeSkillLock(home, { ...lock, skills });
  await rm(skillDirectory(home, name), { recursive: true, force: true });
}

async function takeTree(
  { source, ref, folder }: Install,
  parts: { environment: NodeJS.ProcessEnv; trust?: string },
): Promise<{ tree: SkillTree; commit: string | null }> {
  // Whatever looks like an address is held to be one, and refused there if it is not of https.
  if (/^[A-Za-z][A-Za-z0-9+.-]*:|^[^/\s]+@[^/\s]+:/.test(source))
    return fetchSkill({ url: source, ref, folder, ...parts });
  if (ref !== null)
    throw refuse(
      'skills.ref',
      '--ref is for repositories; this is a folder.',
      'Leave it out, or give the https address of the repository.',
    );
  const read = await readSkillTree(resolve(source, folder), 'skip');
  if (!read.ok)
    throw refuse(
      'skills.tree',
      `${shown(source)} was not taken: ${read.problem}.`,
      'Nothing of it was installed.',
    );
  if (read.tree.size === 0)
    throw refuse('skills.tree', 'There are no files there.', 'Name the folder of a skill.');
  return { tree: read.tree, commit: null };
}

/** The one that was given, that of its one pack, or that of where it comes from. */
function nameOf({ name, source, folder }: Install, packs: readonly { name: string }[]): string {
  const from = basename(folder === '' ? source.replace(/\/+$/, '').replace(/\.git$/, '') : folder);
  const chosen =
    name ?? (packs.length === 1 ? packs[0]?.name : undefined) ?? from.toLowerCase().replaceAll(/[._ ]/g, '-');
  if (SkillName.safeParse(chosen).success) return chosen;
  throw refuse(
    'skills.name',
    `${shown(chosen)} cannot be the name of a skill.`,
    'Give it one with --name: lower case letters, digits and single hyphens.',
  );
}

function isSame(before: LockedSkill, after: LockedSkill): boolean {
  const told = ({ source, ref, commit, folder, hash, agents }: LockedSkill) =>
    JSON.stringify([source, ref, commit, folder, hash, [...agents].sort()]);
  return told(before) === told(after);
}

async function writeTree(home: string, name: string, tree: SkillTree): Promise<void> {
  const { skills } = configPaths(home);
  const next = `${skills}/.${name}.${randomUUID()}`;
  const old = `${next}.old`;
  const place = skillDirectory(home, name);
  try {
    await mkdir(next, { recursive: true, mode: 0o755 });
    for (const [path, content] of tree) {
      await mkdir(dirname(`${next}/${path}`), { recursive: true, mode: 0o755 });
      await writeFile(`${next}/${path}`, content, { flag: 'wx', mode: 0o644 });
    }
    if (existsSync(place)) await rename(place, old);
    await rename(next, place);
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function refuse(rule: string, message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule, message, remedy });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { SkillTree } from './hash-skill.ts';
import { shown } from './read-skill-tree.ts';
import { type GitPlace, type GitRun, runGit } from './run-git.ts';
import { SKILL_LIMITS } from './skill-limits.ts';
import { collidingPaths, skillPathProblem } from './skill-path.ts';

/** A branch, a tag or a commit; nothing that git could take for an option or for more than one thing. */
const REF = /^(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$/;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export interface FetchedSkill {
  commit: string;
  tree: SkillTree;
}

/**
 * The files of one commit of a repository, below `folder`, read from git's objects: nothing is checked out, so no
 * attribute, filter, hook or submodule has a say. Links, submodules and whatever `skillPathProblem` refuses refuse the
 * whole. Throws with what to do about it.
 */
export async function fetchSkill(options: {
  url: string;
  ref: string | null;
  folder: string;
  environment: NodeJS.ProcessEnv;
  trust?: string;
}): Promise<FetchedSkill> {
  const { url, ref, folder, environment, trust } = options;
  requireHttps(url);
  if (ref !== null && !REF.test(ref))
    throw refuse(
      'skills.ref',
      `${shown(ref)} is not the name of a branch or tag, nor a commit.`,
      'Name one with --ref, such as v1.2.0 or a full commit.',
    );
  if (folder !== '' && skillPathProblem(folder) !== null)
    throw refuse(
      'skills.folder',
      `${shown(folder)} is not a folder of a repository.`,
      'Write it as skills/pdf, without a slash at either end.',
    );
  const directory = await mkdtemp(join(tmpdir(), 'openlegion-skill-'));
  const place: GitPlace = { directory, environment, ...(trust === undefined ? {} : { trust }) };
  try {
    await must(place, ['init', '--quiet', '--bare', '.'], url);
    await must(
      place,
      ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--', url, ref ?? 'HEAD'],
      url,
    );
    const commit = text(
      await must(place, ['rev-parse', '--verify', '--end-of-options', 'FETCH_HEAD^{commit}'], url),
    );
    if (!COMMIT.test(commit) || (ref !== null && COMMIT.test(ref) && ref !== commit))
      throw refuse(
        'skills.commit',
        'The repository gave another commit than the one that was asked for.',
        'Do not install from it.',
      );
    return { commit, tree: await readTree(place, commit, folder, url) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function requireHttps(address: string): void {
  const url = URL.parse(address);
  if (
    url?.protocol !== 'https:' ||
    url.username !== '' ||
    url.password !== '' ||
    url.hash !== '' ||
    /[\s\p{C}]/u.test(address)
  )
    throw refuse(
      'skills.source',
      `${shown(address)} is not an https address of a repository without user and password.`,
      'Write https://example.com/owner/repository, or the path of a folder.',
    );
}

interface Blob {
  path: string;
  object: string;
}

async function readTree(place: GitPlace, commit: string, folder: string, url: string): Promise<SkillTree> {
  const below = folder === '' ? [] : ['--', `${folder}/`];
  const listed = await must(place, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit, ...below], url);
  const blobs: Blob[] = [];
  let bytes = 0;
  for (const record of listed.output.toString('utf8').split('\0')) {
    if (record === '') continue;
    const entry = /^(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(record);
    const [, mode = '', kind = '', object = '', size = '', whole = ''] = entry ?? [];
    const path = folder === '' ? whole : whole.slice(folder.length + 1);
    const problem = entryProblem(mode, kind, Number(size)) ?? skillPathProblem(path);
    if (problem !== null)
      throw refuse(
        'skills.tree',
        `${shown(path)}: ${problem}.`,
        'Nothing of it was installed. Name a folder without it with --path.',
      );
    bytes += Number(size);
    blobs.push({ path, object });
    if (blobs.length > SKILL_LIMITS.files || bytes > SKILL_LIMITS.bytes)
      throw refuse(
        'skills.size',
        `It has more than ${SKILL_LIMITS.files} files, or more than ${SKILL_LIMITS.bytes / 1024 / 1024} MiB.`,
        'Name the folder of the one skill that you want with --path.',
      );
  }
  if (blobs.length === 0)
    throw refuse(
      'skills.tree',
      'There are no files there.',
      'Check --path: it names a folder of the repository.',
    );
  const same = collidingPaths(blobs.map(({ path }) => path));
  if (same !== null)
    throw refuse(
      'skills.tree',
      `${shown(same[0])} and ${shown(same[1])} are one file on some file systems.`,
      'Nothing of it was installed.',
    );
  return readBlobs(place, blobs, url);
}

function entryProblem(mode: string, kind: string, size: number): string | null {
  if (mode === '120000') return 'it is a link';
  if (mode === '160000') return 'it is a submodule';
  if (kind !== 'blob' || (mode !== '100644' && mode !== '100755' && mode !== '100664'))
    return 'it is no regular file';
  return size > SKILL_LIMITS.fileBytes ? `it is larger than ${SKILL_LIMITS.fileBytes} bytes` : null;
}

/** `cat-file --batch`: a line of object, kind and size, the content, a line's end; for each, in order. */
async function readBlobs(place: GitPlace, blobs: readonly Blob[], url: string): Promise<SkillTree> {
  const { output } = await must(
    place,
    ['cat-file', '--batch'],
    url,
    blobs.map(({ object }) => `${object}\n`).join(''),
  );
  const tree = new Map<string, Buffer>();
  let at = 0;
  for (const { path, object } of blobs) {
    const end = output.indexOf(10, at);
    const [said, kind, size] = output.subarray(at, end).toString('latin1').split(' ');
    const length = Number(size);
    if (end === -1 || said !== object || kind !== 'blob' || !(end + 1 + length <= output.length))
      throw refuse(
        'skills.tree',
        `${shown(path)} could not be read from the repository.`,
        'Try again; do not install from it if it goes on.',
      );
    tree.set(path, output.subarray(end + 1, end + 1 + length));
    at = end + 1 + length + 1;
  }
  return tree;
}

async function must(place: GitPlace, args: string[], url: string, input?: string): Promise<GitRun> {
  const run = await runGit(place, args, input);
  if (run.code === 0 && run.cut === null) return run;
  const said = run.errors
    .replaceAll(place.directory, '')
    .trim()
    .split('\n')
    .slice(-3)
    .join(' ')
    .slice(0, 400);
  throw refuse(
    'skills.fetch',
    `${shown(url)} could not be fetched: ${run.cut ?? (said || 'git did not say why')}`,
    'Check the address and --ref; it must be reachable by https without a login. "git" must be installed.',
  );
}

function text(run: GitRun): string {
  return run.output.toString('utf8').trim();
}

function refuse(rule: string, message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule, message, remedy });
}

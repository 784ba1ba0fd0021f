import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { SkillFiles } from '@openlegion/contract/agent-api';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { Pipe } from '../pipe/pipe.ts';
import { createGiveSkills } from './give-skills.ts';
import { hashFiles, hashSkill } from './hash-skill.ts';
import { readSkillTree } from './read-skill-tree.ts';
import { writeSkillLock } from './skill-lock-file.ts';
import { collidingPaths, skillPathProblem } from './skill-path.ts';
import { createSkillsOf } from './skills-of-agent.ts';

let home = '';
const homes: string[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'openlegion-skills-'));
  homes.push(home);
});
after(() => {
  for (const path of homes) rmSync(path, { recursive: true, force: true });
});

function write(path: string, text = 'x'): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Only what is read here of the configuration. */
const configOf = (agents: Record<string, { skills_dir?: string }>) =>
  ({ agents: new Map(Object.entries(agents)) }) as unknown as FleetConfig;

async function install(name: string, agents: string[], files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) write(`config/skills/${name}/${path}`, text);
  const read = await readSkillTree(join(home, 'config/skills', name), 'take');
  assert.ok(read.ok);
  const hashes = hashFiles(read.tree);
  const skill = {
    source: 'https://example.com/x',
    ref: null,
    commit: null,
    folder: '',
    hash: hashSkill(hashes),
    files: hashes,
    agents,
    approvedAt: '2026-01-01T00:00:00.000Z',
  };
  writeSkillLock(home, { version: 1, skills: { [name]: skill } });
}

const paths = (files: SkillFiles['files']) => files.map(({ path }) => path).sort();

test('an agent is given its skills_dir and the skills that name it, nobody else anything', async () => {
  write('skills/research/count.ts', 'code');
  write('skills/research/.hidden/x.ts');
  await install('pdf', ['alice'], { 'SKILL.md': 'text', 'scripts/run.py': 'print(1)' });
  const skillsOf = createSkillsOf({
    home,
    config: configOf({ alice: { skills_dir: './skills/research' }, bob: {} }),
  });
  const { files, problems, hash } = await skillsOf('alice');
  assert.deepEqual(paths(files), ['count.ts', 'pdf/SKILL.md', 'pdf/scripts/run.py']);
  assert.deepEqual(problems, []);
  assert.ok(SkillFiles.safeParse({ files }).success);
  assert.deepEqual(await skillsOf('bob'), { hash: '', files: [], problems: [] });
  write('skills/research/count.ts', 'other code');
  assert.notEqual((await skillsOf('alice')).hash, hash);
});

test('a skill that was changed after its approval is given to nobody, whatever was changed', async () => {
  const skillsOf = createSkillsOf({ home, config: configOf({ alice: {} }) });
  const original = { 'SKILL.md': 'text', 'scripts/run.py': 'print(1)' };
  const attacks: (() => void)[] = [
    () => write('config/skills/pdf/SKILL.md', 'tex7'),
    () => write('config/skills/pdf/tools/more.ts', 'x'),
    () => rmSync(join(home, 'config/skills/pdf/scripts/run.py')),
    () => rmSync(join(home, 'config/skills/pdf'), { recursive: true }),
    () => symlinkSync('/etc/passwd', join(home, 'config/skills/pdf/link')),
  ];
  for (const attack of attacks) {
    rmSync(join(home, 'config/skills'), { recursive: true, force: true });
    await install('pdf', ['alice'], original);
    assert.equal((await skillsOf('alice')).files.length, 2);
    attack();
    const { files, problems } = await skillsOf('alice');
    assert.deepEqual(files, []);
    assert.match(problems[0] ?? '', /^the skill pdf is not given: .*install it again to approve it/);
  }
  // The lock alone made to fit the change: its hash was what a person said yes to.
  rmSync(join(home, 'config/skills'), { recursive: true, force: true });
  await install('pdf', ['alice'], original);
  const lock = join(home, 'config/skills.lock.json');
  const { readFileSync } = await import('node:fs');
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/"SKILL.md": "[0-9a-f]/, '"SKILL.md": "f'));
  assert.match(
    (await skillsOf('alice')).problems[0] ?? '',
    /record in the lock was changed by hand|was changed since/,
  );
  writeFileSync(lock, '{');
  assert.match(
    (await skillsOf('alice')).problems[0] ?? '',
    /cannot be read, so no installed skill counts as approved/,
  );
});

test('links, special files, hard links and files that are too large refuse the whole tree', async () => {
  const { execFileSync } = await import('node:child_process');
  const attacks: Record<string, () => void> = {
    'it is a link': () => symlinkSync('/etc', join(home, 'tree/link')),
    'it is a hard link': () => {
      write('outside');
      linkSync(join(home, 'outside'), join(home, 'tree/hard'));
    },
    'no regular file': () => execFileSync('mkfifo', [join(home, 'tree/pipe')]),
    'larger than 1400000 bytes': () => write('tree/large', 'x'.repeat(1_400_001)),
    'cannot be seen|letters, digits': () => write('tree/a\u202Eb'),
    'are one file': () => {
      write('tree/Read.md');
      write('tree/read.md');
    },
    'git would look': () => write('tree/sub/.GIT/config'),
    'packages are not taken': () => write('tree/node_modules/x/index.js'),
  };
  for (const [problem, attack] of Object.entries(attacks)) {
    rmSync(join(home, 'tree'), { recursive: true, force: true });
    write('tree/good.md');
    attack();
    const read = await readSkillTree(join(home, 'tree'), 'take');
    assert.ok(!read.ok, problem);
    assert.match(read.problem, new RegExp(problem));
  }
  rmSync(join(home, 'tree'), { recursive: true });
  for (let index = 0; index <= 1000; index += 1) write(`tree/${index}`);
  const many = await readSkillTree(join(home, 'tree'), 'take');
  assert.match(many.ok ? '' : many.problem, /more than 1000 files/);
});

test('paths that could be another file than they look are refused', () => {
  for (const path of [
    '../a',
    'a/../b',
    '/a',
    'a//b',
    './a',
    'a/.',
    '',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\u202Eb',
    'a\u200Bb',
    'a\u3164',
    'C:a',
    '.git/config',
    'x/.git/hooks/post-checkout',
    '.Git',
    'git~1/x',
    'a./b',
    ' a',
    'a /b',
    'a/b/c/d/e/f/g/h/i',
    'e\u0301.md',
    '\uFF0E\uFF0E/a',
    'a'.repeat(301),
    'a?b',
    'a*b',
    'con|x',
  ])
    assert.notEqual(skillPathProblem(path), null, JSON.stringify(path));
  for (const path of [
    'SKILL.md',
    'scripts/run me.py',
    'références/é.md',
    '.gitignore',
    'a/b/c/d/e/f/g/h',
    '文書/a.md',
  ])
    assert.equal(skillPathProblem(path), null, path);
  assert.deepEqual(collidingPaths(['a/B.md', 'a/b.md']), ['a/B.md', 'a/b.md']);
  assert.deepEqual(collidingPaths(['A/x', 'a/y']), ['A', 'a/y']);
  assert.deepEqual(collidingPaths(['a', 'a/b']), ['a', 'a/b']);
  assert.deepEqual(collidingPaths(['straße/x', 'STRASSE/x']), ['straße/x', 'STRASSE/x']);
  assert.equal(collidingPaths(['a/b', 'a/c', 'b']), null);
});

test('a skills_dir outside of the installation is not given', async () => {
  const skillsOf = createSkillsOf({ home, config: configOf({ alice: { skills_dir: '../..' } }) });
  const { files, problems } = await skillsOf('alice');
  assert.deepEqual(files, []);
  assert.match(problems[0] ?? '', /outside of the installation/);
});

test('skills are given once for each state, and taken away; an agent without any is never asked', async () => {
  const asked: { files: number }[] = [];
  const recorded: string[] = [];
  const pipe = {
    request: async ({ path, body }: { path: string; body: string }) => {
      assert.equal(path, '/skills');
      asked.push({ files: SkillFiles.parse(JSON.parse(body)).files.length });
      return { status: 204, body: { destroy() {} } };
    },
  } as unknown as Pipe;
  const give = createGiveSkills({
    home,
    config: configOf({ alice: { skills_dir: 'skills' }, bob: {} }),
    audit: { record: async ({ type }: { type: string }) => void recorded.push(type) } as never,
    warn: () => {},
  });
  await give('bob', pipe);
  assert.deepEqual(asked, []);
  write('skills/a.ts');
  await give('alice', pipe);
  await give('alice', pipe);
  assert.deepEqual(asked, [{ files: 1 }]);
  write('skills/b.ts');
  await give('alice', pipe);
  symlinkSync('/etc', join(home, 'skills/link'));
  await give('alice', pipe);
  await give('alice', pipe);
  assert.deepEqual(asked, [{ files: 1 }, { files: 2 }, { files: 0 }]);
  assert.deepEqual(recorded, ['skills.given', 'skills.given', 'skills.refused', 'skills.given']);
});

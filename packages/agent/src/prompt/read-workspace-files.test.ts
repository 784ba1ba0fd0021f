import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { START } from '../testing/model-rig.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { describeSystem } from '../workspace/describe-system.ts';
import { readWorkspaceFiles } from './read-workspace-files.ts';

test('each file up to its bound, with a mark where it was cut, 40,000 characters together', async () => {
  using directory = temporaryDirectory();
  mkdirSync(`${directory.path}/learnings`);
  const names = ['AGENTS.md', 'SOUL.md', 'USER.md', 'MEMORY.md', 'HEARTBEAT.md', 'learnings/corrections.md'];
  for (const name of names) writeFileSync(`${directory.path}/${name}`, `${name} ${'é'.repeat(20_000)} end`);
  writeFileSync(`${directory.path}/SYSTEM.md`, 'written by somebody else');
  const files = await readWorkspaceFiles(directory.path, { system: 's'.repeat(9000) });
  const sizes = Object.fromEntries(files.map(({ name, text }) => [name, text.length]));
  assert.deepEqual(sizes, {
    'AGENTS.md': 8000,
    'SOUL.md': 4000,
    'USER.md': 4000,
    'MEMORY.md': 16_000,
    'SYSTEM.md': 6000,
    'learnings/corrections.md': 2000,
  });
  for (const { name, text } of files.filter(({ name: of }) => of !== 'SYSTEM.md'))
    assert.match(text, /cut here/, name);
  assert.match(files.at(-1)?.text ?? '', /end$/, 'of corrections the newest stay');
  assert.ok(!files.some(({ text }) => text.includes('somebody else')));

  const heartbeat = await readWorkspaceFiles(directory.path, { system: 's', heartbeat: true });
  assert.ok(heartbeat.some(({ name }) => name === 'HEARTBEAT.md'));
  assert.ok(heartbeat.reduce((sum, { text }) => sum + text.length, 0) <= 40_000);
});

test('what does not exist, is empty, a link or no file is left out', async () => {
  using directory = temporaryDirectory();
  using outside = temporaryDirectory();
  writeFileSync(`${outside.path}/secret`, 'secret');
  symlinkSync(`${outside.path}/secret`, `${directory.path}/AGENTS.md`);
  mkdirSync(`${directory.path}/SOUL.md`);
  writeFileSync(`${directory.path}/USER.md`, ' \n');
  writeFileSync(`${directory.path}/learnings`, 'a file where a directory should be');
  assert.deepEqual(await readWorkspaceFiles(directory.path), []);
});

test('SYSTEM.md says what was given, within its bound', () => {
  const start = {
    ...START,
    name: 'researcher',
    tools: ['exec', 'memory_save'],
    egress: { authorityPem: '', environment: { GITHUB_TOKEN: 'olp_secret' } },
    extras: { embeddingModel: 'p/embed' },
  };
  const text = describeSystem(start);
  assert.match(text, /You are researcher/);
  assert.match(text, /exec, memory_save/);
  assert.match(text, /GITHUB_TOKEN/);
  assert.match(text, /by meaning/);
  assert.doesNotMatch(text, /olp_secret/);
  const long = describeSystem({
    ...start,
    tools: Array.from({ length: 500 }, (_, at) => `tool_number_${at}`),
  });
  assert.ok(long.length <= 6000);
});

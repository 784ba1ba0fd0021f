import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createWorkspace, WORKSPACE_FILE_BYTES } from './create-workspace.ts';

test('writes, lists and reads files, directories made as needed', async () => {
  using directory = temporaryDirectory();
  const workspace = createWorkspace(directory.path);
  await workspace.write('notes/a b.md', Buffer.from('one'));
  await workspace.write('notes/a b.md', Buffer.from('two'));
  assert.equal((await workspace.read('notes/a b.md')).toString(), 'two');
  assert.deepEqual(await workspace.list(), { files: [{ path: 'notes/a b.md', bytes: 3 }] });
});

test('refuses every path that is not plainly inside', async () => {
  using directory = temporaryDirectory();
  const workspace = createWorkspace(directory.path);
  const paths = [
    '',
    '..',
    '../x',
    'a/../../x',
    'a//b',
    '/etc/passwd',
    'a/./b',
    'a\0b',
    'a\nb',
    'a\u202Eb',
    'a/ b',
    'x'.repeat(301),
    'a/b/c/d/e/f/g/h/i',
    '..\\x',
    '．．/x',
  ];
  for (const path of paths) {
    await assert.rejects(workspace.read(path), { name: 'OpenLegionError' }, path);
    await assert.rejects(workspace.write(path, Buffer.from('x')), { name: 'OpenLegionError' }, path);
  }
  assert.deepEqual(readdirSync(directory.path), []);
});

test('follows no link, in the last place or on the way, for reading or writing', async () => {
  using directory = temporaryDirectory();
  using outside = temporaryDirectory();
  writeFileSync(`${outside.path}/secret`, 'secret');
  symlinkSync(`${outside.path}/secret`, `${directory.path}/link`);
  symlinkSync(outside.path, `${directory.path}/way`);
  const workspace = createWorkspace(directory.path);
  for (const path of ['link', 'way/secret', 'way/new', 'way/deep/new']) {
    await assert.rejects(workspace.read(path), { name: 'OpenLegionError' }, path);
    await assert.rejects(workspace.write(path, Buffer.from('x')), { name: 'OpenLegionError' }, path);
  }
  assert.deepEqual(readdirSync(outside.path), ['secret']);
  assert.equal(readFileSync(`${outside.path}/secret`, 'utf8'), 'secret');
  assert.deepEqual(await workspace.list(), { files: [] });
});

/** Swaps names in `directory` as fast as it can, until it is killed; a step that does not fit is left out. */
function swap(directory: string, steps: readonly (readonly [string, string])[]): Disposable {
  const source = `const fs = require('node:fs'); process.chdir(${JSON.stringify(directory)});
    for (let i = 0; ; i++) for (const [from, to] of ${JSON.stringify(steps)})
      try { fs.renameSync(from, to === 'aside' ? to + i : to); } catch {}`;
  const child = spawn(process.execPath, ['-e', source], { stdio: 'ignore' });
  return { [Symbol.dispose]: () => child.kill('SIGKILL') };
}

test('a directory that is swapped for a link again and again never leads a read out', async () => {
  using directory = temporaryDirectory();
  using outside = temporaryDirectory();
  writeFileSync(`${outside.path}/f`, 'outside');
  mkdirSync(`${directory.path}/real`);
  writeFileSync(`${directory.path}/real/f`, 'inside');
  symlinkSync(outside.path, `${directory.path}/evil`);
  using _swapper = swap(directory.path, [
    ['real', 'd'],
    ['d', 'real'],
    ['evil', 'd'],
    ['d', 'evil'],
  ]);
  const workspace = createWorkspace(directory.path);
  const seen = { inside: 0, link: 0 };
  for (let attempt = 0; attempt < 20_000 && (seen.inside < 100 || seen.link < 100); attempt++) {
    await workspace.read('d/f').then(
      (content) => {
        seen.inside++;
        assert.equal(content.toString(), 'inside');
      },
      (error: { code?: string }) => {
        if (error.code === 'denied') seen.link++;
        assert.match(String(error.code), /denied|not_found/);
      },
    );
  }
  assert.ok(seen.inside > 0 && seen.link > 0, 'both were met, or nothing was shown');
});

test('nor a write', async () => {
  using directory = temporaryDirectory();
  using outside = temporaryDirectory();
  symlinkSync(outside.path, `${directory.path}/evil`);
  using _swapper = swap(directory.path, [
    ['d', 'aside'],
    ['evil', 'd'],
    ['d', 'evil'],
  ]);
  const workspace = createWorkspace(directory.path);
  let written = 0;
  for (let attempt = 0; attempt < 5000 && written < 200; attempt++) {
    await workspace.write('d/g', Buffer.from('x')).then(
      () => written++,
      (error: { code?: string }) => assert.match(String(error.code), /denied|not_found|conflict/),
    );
  }
  assert.ok(written > 0);
  assert.deepEqual(readdirSync(outside.path), []);
});

test('what is no regular file or too large is refused without being read', async () => {
  using directory = temporaryDirectory();
  const workspace = createWorkspace(directory.path);
  execFileSync('mkfifo', [`${directory.path}/fifo`]);
  execFileSync('truncate', ['-s', String(WORKSPACE_FILE_BYTES + 1), `${directory.path}/big`]);
  mkdirSync(`${directory.path}/dir`);
  await assert.rejects(workspace.read('fifo'), { code: 'conflict' });
  await assert.rejects(workspace.write('fifo', Buffer.from('x')), { code: 'conflict' });
  await assert.rejects(workspace.read('dir'), { code: 'conflict' });
  await assert.rejects(workspace.read('big'), { code: 'too_large' });
  await assert.rejects(workspace.read('none'), { code: 'not_found' });
});

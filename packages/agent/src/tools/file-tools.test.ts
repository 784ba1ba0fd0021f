import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createListFiles } from './list-files.ts';
import { createReadFile } from './read-file.ts';
import { createWriteFile } from './write-file.ts';

test('read_file reads by lines and says what is left', async () => {
  using directory = temporaryDirectory();
  const tool = createReadFile(directory.path);
  writeFileSync(`${directory.path}/a.txt`, 'one\ntwo\nthree\nfour\n');
  assert.equal((await runTool(tool, { path: 'a.txt' })).output, 'one\ntwo\nthree\nfour');
  assert.equal(
    (await runTool(tool, { path: 'a.txt', start_line: 2, line_count: 2 })).output,
    'two\nthree\n[1 more lines; start_line: 4]',
  );
  assert.match((await runTool(tool, { path: 'a.txt', start_line: 9 })).output, /has 4 lines/);
  assert.equal((await runTool(tool, { path: `${directory.path}/a.txt` })).outcome, 'ok');
});

test('read_file refuses what is no text, and does not hang on what is no file', async () => {
  using directory = temporaryDirectory();
  const tool = createReadFile(directory.path);
  writeFileSync(`${directory.path}/b.bin`, Buffer.from([1, 0, 2]));
  assert.match((await runTool(tool, { path: 'b.bin' })).output, /binary \(3 bytes\)/);
  execFileSync('mkfifo', [`${directory.path}/fifo`]);
  assert.match((await runTool(tool, { path: 'fifo' })).output, /not a regular file/);
  assert.match((await runTool(tool, { path: '/dev/zero' })).output, /not a regular file/);
  assert.match((await runTool(tool, { path: '.' })).output, /not a regular file|is a directory/);
  assert.match((await runTool(tool, { path: 'none' })).output, /does not exist/);
  assert.equal((await runTool(tool, { path: 'none' })).outcome, 'error');
});

test('read_file reads at most its bound of a file without end', async () => {
  using directory = temporaryDirectory();
  const tool = createReadFile(directory.path);
  writeFileSync(`${directory.path}/big`, 'x'.repeat(5 * 1024 * 1024));
  const { output } = await runTool(tool, { path: 'big' });
  assert.match(output, /only the first 4 MiB/);
  assert.ok(output.length < 4.2 * 1024 * 1024);
});

test('write_file replaces whole, appends, makes directories and leaves nothing behind', async () => {
  using directory = temporaryDirectory();
  const tool = createWriteFile(directory.path);
  assert.equal(
    (await runTool(tool, { path: 'x/y/a.txt', content: 'one' })).output,
    'wrote 3 bytes to x/y/a.txt',
  );
  await runTool(tool, { path: 'x/y/a.txt', content: 'two' });
  await runTool(tool, { path: 'x/y/a.txt', content: '!', append: true });
  assert.equal(readFileSync(`${directory.path}/x/y/a.txt`, 'utf8'), 'two!');
  assert.deepEqual(readdirSync(`${directory.path}/x/y`), ['a.txt']);
  assert.match((await runTool(tool, { path: 'x', content: '' })).output, /is a directory/);
  assert.match((await runTool(tool, { path: 'x/y/a.txt/b', content: '' })).output, /file where a directory/);
  assert.match(
    (await runTool(tool, { path: 'big', content: 'x'.repeat(1024 * 1024 + 1) })).output,
    /wrong arguments/,
  );
});

test('write_file on a full disk says so and keeps the old file', async () => {
  const tool = createWriteFile('/');
  assert.match(
    (await runTool(tool, { path: '/dev/full', content: 'x', append: true })).output,
    /disk is full/,
  );
});

test('list_files goes as deep as asked, follows no link and stops at its bound', async () => {
  using directory = temporaryDirectory();
  mkdirSync(`${directory.path}/a/b/c`, { recursive: true });
  writeFileSync(`${directory.path}/a/f.txt`, '12345');
  symlinkSync('/', `${directory.path}/root`);
  const tool = createListFiles(directory.path);
  assert.equal((await runTool(tool, {})).output, 'a/\na/b/\na/f.txt  5 bytes\nroot  link');
  assert.equal((await runTool(tool, { path: 'a', depth: 1 })).output, 'b/\nf.txt  5 bytes');
  for (let file = 0; file < 600; file++) writeFileSync(`${directory.path}/a/b/${file}`, '');
  assert.match((await runTool(tool, { depth: 8 })).output, /only the first 500/);
  assert.match((await runTool(tool, { path: 'none' })).output, /does not exist/);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createEditFile } from './edit-file.ts';
import { createOutputFiles } from './output-files.ts';
import { createSearchFiles } from './search-files.ts';

test('edit_file replaces the one occurrence, keeps the mode, and leaves nothing beside the file', async () => {
  using directory = temporaryDirectory();
  const tool = createEditFile(directory.path);
  writeFileSync(`${directory.path}/run.sh`, 'a\nb $& c\nd\n', { mode: 0o755 });
  const edited = await runTool(tool, { path: 'run.sh', old_text: 'b $& c', new_text: "x $& $1 $'" });
  assert.deepEqual(edited, { outcome: 'ok', output: 'replaced at line 2 of run.sh' });
  assert.equal(readFileSync(`${directory.path}/run.sh`, 'utf8'), "a\nx $& $1 $'\nd\n");
  assert.equal(statSync(`${directory.path}/run.sh`).mode & 0o777, 0o755);
  assert.deepEqual(readdirSync(directory.path), ['run.sh']);
});

test('edit_file changes nothing where it is not sure what is meant', async () => {
  using directory = temporaryDirectory();
  const tool = createEditFile(directory.path);
  const file = `${directory.path}/a.txt`;
  writeFileSync(file, 'one  two\none two\none two\n');
  const tries: [object, RegExp][] = [
    [{ old_text: 'one two', new_text: 'x' }, /2 times .*replace_all/],
    [{ old_text: 'three', new_text: 'x' }, /not in a\.txt; read/],
    [{ old_text: 'one  two one', new_text: 'x' }, /with other spaces/],
    [{ old_text: '', new_text: 'x' }, /wrong arguments/],
    [{ old_text: 'one', new_text: 'one' }, /the same as old_text/],
  ];
  for (const [input, told] of tries) {
    const result = await runTool(tool, { path: 'a.txt', ...input });
    assert.equal(result.outcome, 'error');
    assert.match(result.output, told);
  }
  assert.equal(readFileSync(file, 'utf8'), 'one  two\none two\none two\n');
  const all = await runTool(tool, { path: 'a.txt', old_text: 'one two', new_text: 'x', replace_all: true });
  assert.equal(all.output, 'replaced 2 times, first at line 2 of a.txt');
});

test('edit_file refuses what is no text file', async () => {
  using directory = temporaryDirectory();
  const tool = createEditFile(directory.path);
  writeFileSync(`${directory.path}/latin1`, Buffer.from([0x61, 0xe9, 0x62]));
  writeFileSync(`${directory.path}/big`, 'a'.repeat(4 * 1024 * 1024 + 1));
  execFileSync('mkfifo', [`${directory.path}/fifo`]);
  for (const [path, told] of [
    ['latin1', /not UTF-8/],
    ['big', /larger than 4 MiB/],
    ['fifo', /not a regular file/],
    ['.', /not a regular file|is a directory/],
    ['none', /does not exist/],
  ] as const)
    assert.match((await runTool(tool, { path, old_text: 'a', new_text: 'b' })).output, told);
  assert.deepEqual(readFileSync(`${directory.path}/latin1`), Buffer.from([0x61, 0xe9, 0x62]));
});

function searchIn(directory: string) {
  const outputs = createOutputFiles(`${directory}/outputs`);
  mkdirSync(`${directory}/w`);
  const tool = createSearchFiles({
    workspace: `${directory}/w`,
    capture: ({ messageId, callId }) => outputs.capture(messageId, callId),
  });
  return { tool, root: `${directory}/w` };
}

test('search_files finds lines by expression, text, name and with what is around', async () => {
  using directory = temporaryDirectory();
  const { tool, root } = searchIn(directory.path);
  mkdirSync(`${root}/sub`);
  mkdirSync(`${root}/.git`);
  writeFileSync(`${root}/a.ts`, 'const one = 1;\nconst Two = f(2);\n');
  writeFileSync(`${root}/sub/b.md`, 'one\ntwo\nthree\n');
  writeFileSync(`${root}/.git/config`, 'one');
  writeFileSync(`${root}/binary`, Buffer.from('one\0'));
  const found = async (input: object) => (await runTool(tool, input)).output.split('\n').sort();
  assert.deepEqual(await found({ pattern: '^(const )?one' }), [
    './a.ts:1:const one = 1;',
    './sub/b.md:1:one',
  ]);
  assert.deepEqual(await found({ pattern: 'f(2)', literal: true }), ['./a.ts:2:const Two = f(2);']);
  assert.deepEqual(await found({ pattern: 'two', ignore_case: true, files: '*.ts' }), [
    './a.ts:2:const Two = f(2);',
  ]);
  assert.deepEqual(await found({ pattern: 'two', path: 'sub', context_lines: 1 }), [
    'sub/b.md-1-one',
    'sub/b.md-3-three',
    'sub/b.md:2:two',
  ]);
  assert.deepEqual(await found({ pattern: 'four' }), ['nothing was found']);
});

test('search_files is bounded, follows no link, and takes nothing for an option', async () => {
  using directory = temporaryDirectory();
  const { tool, root } = searchIn(directory.path);
  writeFileSync(`${directory.path}/secret`, 'outside');
  symlinkSync(directory.path, `${root}/link`);
  assert.equal((await runTool(tool, { pattern: 'outside' })).output, 'nothing was found');
  writeFileSync(`${root}/-f`, 'x');
  assert.equal((await runTool(tool, { pattern: 'x', path: '-f' })).output, '-f:1:x');
  assert.equal((await runTool(tool, { pattern: '--version' })).output, 'nothing was found');
  for (let file = 0; file < 40; file++) writeFileSync(`${root}/f${file}`, 'e\n'.repeat(1000));
  const many = await runTool(tool, { pattern: 'e' });
  assert.match(many.output, /\[and more: narrow/);
  assert.equal((await runTool(tool, { pattern: '(' })).outcome, 'error');
  assert.match((await runTool(tool, { pattern: 'a\nb' })).output, /one line/);
});

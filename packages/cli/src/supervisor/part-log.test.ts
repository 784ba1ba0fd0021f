import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createPartLog, type LogFormat } from './part-log.ts';

function setUp(context: TestContext, format: LogFormat, maxBytes: number) {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-log-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'host.log');
  const open = () => createPartLog({ path, part: 'host', format, maxBytes, now: () => new Date(0) });
  return { directory, path, open, read: () => readFileSync(path, 'utf8') };
}

test('whole lines are written with the time, whatever pieces they came in, to a file for its owner alone', (context) => {
  const { path, open, read } = setUp(context, 'text', 10_000);
  const log = open();
  log.write('one\ntw');
  log.write('o\nrest');
  assert.equal(read(), '1970-01-01T00:00:00.000Z host one\n1970-01-01T00:00:00.000Z host two\n');
  assert.deepEqual(log.tail(), ['one', 'two', 'rest']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('as JSON every line is one object, so that no line can forge another', (context) => {
  const { open, read } = setUp(context, 'json', 10_000);
  open().write('a "quoted" line\n');
  assert.deepEqual(JSON.parse(read()), {
    at: '1970-01-01T00:00:00.000Z',
    part: 'host',
    line: 'a "quoted" line',
  });
});

test('a flood is bounded: files are rotated and three are kept, a line without end is cut', (context) => {
  const { directory, open } = setUp(context, 'text', 1000);
  const log = open();
  for (let index = 0; index < 500; index += 1) log.write(`line ${index}\n`);
  assert.deepEqual(readdirSync(directory).sort(), ['host.log', 'host.log.1', 'host.log.2']);
  for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= 1100, name);
  const endless = open();
  for (let index = 0; index < 100; index += 1) endless.write('x'.repeat(1000));
  assert.ok((endless.tail().at(-1)?.length ?? 0) <= 17_000);
});

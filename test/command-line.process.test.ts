import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RefusalBody } from '@openlegion/contract/refusal';
import { runOpenLegion } from './harness/command-line.ts';

/* Calls that go wrong before anything runs. What needs a fleet is in errors-a-person-meets. */

test('calls that go wrong: exit codes, words for people, and with --json a refusal that a program can read', async (context) => {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-command-'));
  context.after(() => rmSync(home, { recursive: true, force: true }));
  const cases: [args: string[], code: number, rule: string, says: RegExp][] = [
    [['status', '--json'], 1, 'cli.not_running', /Start it with \.\/openlegion start -d/],
    [['chat', 'assistant', '--json', 'hi'], 1, 'cli.not_running', /is not running/],
    [['audit', 'tail', '-n', 'abc', '--json'], 2, 'cli.usage', /a whole number from 1/],
    [['trace', 'list', '-n', '0', '--json'], 2, 'cli.usage', /a whole number from 1/],
    [['audit', 'verify', '--json'], 1, 'cli.audit.none', /There is no audit log in/],
    [['status', '--jsno', '--json'], 2, 'cli.usage', /unknown option '--jsno'/],
  ];
  for (const [args, code, rule, says] of cases) {
    const outcome = await runOpenLegion(home, args);
    assert.equal(outcome.code, code, outcome.shown);
    assert.match(outcome.stderr, says);
    assert.equal(RefusalBody.parse(JSON.parse(outcome.stdout)).error.rule, rule);
    const plain = await runOpenLegion(
      home,
      args.filter((argument) => argument !== '--json'),
    );
    assert.deepEqual([plain.code, plain.stdout], [code, '']);
  }
  const file = join(home, 'file');
  writeFileSync(file, '');
  const calls: [args: string[], code: number, says: RegExp][] = [
    [['start', '-d', '--yes', '--provider', 'nosuch'], 1, /no model provider "nosuch"/],
    [['start', '-d', '--yes', '--provider', 'scripted', '--home', file], 1, /EEXIST.*\n {2}Check the path/],
    [['demo', '--model', 'x'], 1, /no provider/],
    [['status', '--home'], 2, /argument missing/],
  ];
  for (const [args, code, says] of calls) {
    const outcome = await runOpenLegion(home, args);
    assert.equal(outcome.code, code, outcome.shown);
    assert.match(outcome.stderr, says);
    assert.doesNotMatch(outcome.stderr, /^ +at /m);
  }
});

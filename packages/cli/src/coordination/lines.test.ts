import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { BlackboardVersion } from '@openlegion/contract/blackboard';
import type { TaskView } from '@openlegion/contract/task';
import { parseReplLine } from '../chat/slash-command.ts';
import { entryTable, entryText, versionLine } from './blackboard-lines.ts';
import { parseValue } from './parse-value.ts';
import { attentionLines, taskLines, taskTable } from './task-lines.ts';

const HOSTILE = 'a\u001b[2Jb\u202ec\nd';
const ENTRY: BlackboardVersion = {
  ...{
    key: 'context/a',
    version: 3,
    seq: 9,
    writer: HOSTILE,
    traceId: 'trc',
    at: '2026-01-01T00:00:00.000Z',
  },
  ...{ expiresAt: null, change: 'set', value: { text: HOSTILE } },
};
const TASK: TaskView = {
  ...{ taskId: 'msg_1', traceId: 'trc', parentId: null, hops: 2, origin: { kind: 'agent', agent: 'alice' } },
  ...{
    askedBy: { person: HOSTILE, channel: 'cli', conversation: '' },
    assignee: 'bob',
    to: 'capability:sum',
  },
  ...{ task: HOSTILE, status: 'blocked', note: HOSTILE, result: { n: HOSTILE }, refusal: null },
  ...{ createdAt: ENTRY.at, updatedAt: ENTRY.at, finishedAt: null },
};
const MOVES = [
  { taskId: 'msg_1', at: ENTRY.at, actor: 'bob', from: 'working', to: 'blocked', note: HOSTILE },
] as const;

test('what agents wrote cannot move the cursor or hide text, wherever it is shown', () => {
  const page = { entries: [{ ...ENTRY, bytes: 7 }], next: HOSTILE };
  const shown = [
    entryTable(page),
    entryText(ENTRY),
    versionLine(ENTRY),
    taskTable({ tasks: [{ ...TASK, ordinal: 1 }], next: 1 }),
    ...taskLines({ task: TASK, changes: [...MOVES] }),
    ...attentionLines({ tasks: [{ task: TASK, reason: 'blocked', forMs: 120_000 }], deadLetters: 2 }),
  ].join('\n');
  assert.doesNotMatch(shown, /\p{Cf}|(?!\n)\p{Cc}/u);
  assert.match(shown, /context\/a @3/);
  assert.match(shown, /alice → bob \(addressed to capability:sum\)/);
  assert.match(shown, /working → blocked/);
  assert.match(shown, /task msg_1 of bob is blocked, for 2 min/);
  assert.match(shown, /2 events could not be delivered/);
});

test('a value is JSON, a file of it, or words; what begins like JSON and is none is refused', () => {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-value-`);
  writeFileSync(`${directory}/v.json`, '[1]');
  assert.deepEqual(parseValue('{"a":1}'), { a: 1 });
  assert.deepEqual(parseValue('5'), 5);
  assert.deepEqual(parseValue('some words'), 'some words');
  assert.deepEqual(parseValue(`@${directory}/v.json`), [1]);
  for (const text of ['{"a":', '[1,]', '"x']) assert.throws(() => parseValue(text), { rule: 'cli.json' });
  rmSync(directory, { recursive: true });
});

test('/blackboard lists, reads, writes and deletes', () => {
  for (const [line, action, key, value] of [
    ['/blackboard', 'list', '', ''],
    ['/blackboard list context/', 'list', 'context/', ''],
    ['/blackboard get a', 'get', 'a', ''],
    ['/blackboard set a {"b": 1} ', 'set', 'a', '{"b": 1}'],
    ['/blackboard del a', 'del', 'a', ''],
  ])
    assert.deepEqual(parseReplLine(line ?? ''), { type: 'blackboard', action, key, value });
  for (const line of ['/blackboard get', '/blackboard set a', '/blackboard burn a'])
    assert.equal(parseReplLine(line).type, 'incomplete');
});

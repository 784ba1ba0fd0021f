import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReplLine, REPL_HELP } from './slash-command.ts';

test('what a line of the conversation means', () => {
  assert.deepEqual(parseReplLine('  hello there '), { type: 'message', agent: null, text: 'hello there' });
  assert.deepEqual(parseReplLine('@bob look at\n/this'), {
    type: 'message',
    agent: 'bob',
    text: 'look at\n/this',
  });
  assert.deepEqual(parseReplLine('@bob'), { type: 'incomplete', usage: '@AGENT TEXT' });
  assert.deepEqual(parseReplLine('/use bob'), { type: 'use', agent: 'bob' });
  assert.deepEqual(parseReplLine('/steer look here'), { type: 'steer', text: 'look here' });
  assert.deepEqual(parseReplLine('/steer'), { type: 'incomplete', usage: '/steer TEXT' });
  assert.deepEqual(parseReplLine('/constructor'), { type: 'unknown', command: '/constructor' });
  assert.deepEqual(parseReplLine(''), { type: 'empty' });
});

test('every command that the help names is one', () => {
  for (const [usage] of REPL_HELP) {
    for (const form of usage.split(', ').filter((text) => text.startsWith('/'))) {
      assert.ok(
        !['unknown', 'incomplete'].includes(
          parseReplLine(form.replace('AGENT', 'a').replace('TEXT', 't')).type,
        ),
        form,
      );
    }
  }
});

test('workflows are listed and run, with a payload of JSON', () => {
  assert.deepEqual(parseReplLine('/workflow'), { type: 'workflows' });
  assert.deepEqual(parseReplLine('/workflow list'), { type: 'workflows' });
  assert.deepEqual(parseReplLine('/workflow run w'), { type: 'run_workflow', name: 'w', payload: null });
  assert.deepEqual(parseReplLine('/workflow run w {"a": 1}'), {
    type: 'run_workflow',
    name: 'w',
    payload: '{"a": 1}',
  });
  assert.equal(parseReplLine('/workflow run').type, 'incomplete');
  assert.equal(parseReplLine('/workflow accept w').type, 'incomplete');
});

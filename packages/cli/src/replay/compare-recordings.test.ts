import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedCall, RecordedMessage, Recording } from '@openlegion/contract/recording';
import { Script } from '@openlegion/contract/scripted-script';
import { compareRecordings } from './compare-recordings.ts';
import { askedIn, recordingScript } from './recording-script.ts';

function call(fields: Partial<RecordedCall> = {}): RecordedCall {
  return {
    callId: 'c',
    tool: 'exec',
    arguments: '{"command":"ls"}',
    outcome: 'ok',
    output: 'a b',
    ...fields,
  };
}

function message(fields: Partial<RecordedMessage> = {}): RecordedMessage {
  return {
    ...{
      id: 'msg_1',
      parentId: null,
      agent: 'alice',
      from: 'operator',
      text: 'list the files',
      status: 'done',
    },
    ...{ reply: 'two files', refusal: null, outside: [] },
    rounds: [
      { after: null, steered: false, text: '', calls: [call()] },
      { after: null, steered: false, text: 'two files', calls: [] },
    ],
    ...fields,
  };
}

function recordingOf(...messages: RecordedMessage[]): Recording {
  return {
    openlegionRecording: 1,
    traceId: 'trc_1',
    recordedAt: '2026-11-21T00:00:00.000Z',
    messages,
    runs: [],
  };
}

function withCalls(...calls: RecordedCall[]): RecordedMessage {
  return message({ rounds: [{ after: null, steered: false, text: '', calls }] });
}

const verdicts = (then: Recording, now: Recording, only: string | null = null) =>
  compareRecordings(then, now, only).map(({ what, verdict }) => `${what.slice(0, 40)}: ${verdict}`);

test('what is done again in the same way is the same, with other identifiers and times', () => {
  const then = recordingOf(withCalls(call({ output: 'task msg_0abc at 2026-11-21T08:00:00.000Z' })));
  const now = recordingOf({
    ...withCalls(call({ callId: 'd', output: 'task msg_9xyz at 2027-01-01T00:00:00.001Z' })),
    id: 'msg_2',
  });
  assert.ok(compareRecordings(then, now).every(({ verdict }) => verdict === 'same'));
});

test('another outcome, output, end, a call or message more or less: each is a difference with a name', () => {
  const rows: [string, Recording, Recording, RegExp][] = [
    [
      'refused now',
      recordingOf(message()),
      recordingOf(withCalls(call({ outcome: 'refused' }))),
      /round 1: exec.*different/,
    ],
    [
      'other output',
      recordingOf(withCalls(call())),
      recordingOf(withCalls(call({ output: 'c' }))),
      /round 1: exec.*different/,
    ],
    ['no call', recordingOf(withCalls(call())), recordingOf(withCalls()), /round 1: exec.*different/],
    [
      'one call more',
      recordingOf(withCalls(call())),
      recordingOf(withCalls(call(), call({ tool: 'x' }))),
      /round 1: x.*different/,
    ],
    [
      'ended early',
      recordingOf(message()),
      recordingOf(message({ rounds: [], status: 'failed', refusal: 'budget.daily' })),
      /end: different/,
    ],
    ['other reply', recordingOf(message()), recordingOf(message({ reply: 'three' })), /end: different/],
    [
      'no hand-off',
      recordingOf(message(), message({ agent: 'bob', from: 'alice' })),
      recordingOf(message()),
      /message from alice: different/,
    ],
    [
      'a hand-off more',
      recordingOf(message()),
      recordingOf(message(), message({ agent: 'bob', from: 'alice' })),
      /message from alice: different/,
    ],
    [
      'another text',
      recordingOf(message({ agent: 'bob', from: 'alice' })),
      recordingOf(message({ agent: 'bob', from: 'alice', text: 'x' })),
      /message from alice: different/,
    ],
  ];
  for (const [name, then, now, expected] of rows)
    assert.match(verdicts(then, now).join('\n'), expected, name);
});

test('a run of a workflow that ends otherwise, or is not there, is a difference', () => {
  const run = (status: string) => ({ workflow: 'count', payload: null, first: true, status });
  const withRuns = (...runs: ReturnType<typeof run>[]) => ({ ...recordingOf(), runs });
  assert.deepEqual(verdicts(withRuns(run('done')), withRuns(run('done'))), ['end of the run: same']);
  assert.deepEqual(verdicts(withRuns(run('done')), withRuns(run('failed'))), ['end of the run: different']);
  assert.deepEqual(verdicts(withRuns(run('done')), withRuns()), ['end of the run: different']);
});

test('what reached outside is not compared, and one agent alone is', () => {
  const then = recordingOf({ ...withCalls(call({ tool: 'http_request' })), outside: ['c'] });
  const now = recordingOf(withCalls(call({ tool: 'http_request', outcome: 'refused', output: 'no' })));
  assert.deepEqual(verdicts(then, now).slice(1, 2), ['round 1: http_request {"command":"ls"}: not_compared']);
  const both = recordingOf(message(), message({ agent: 'bob', from: 'alice' }));
  const alone = recordingOf(message({ agent: 'bob', from: 'operator' }));
  assert.ok(compareRecordings(both, alone, 'bob').every(({ verdict }) => verdict === 'same'));
});

test('a recording becomes a script: each round of each message, in words that are none of its placeholders', () => {
  const script = recordingScript(
    recordingOf(
      message({ text: 'list <the files> of msg_0abc, please do' }),
      message({
        text: 'the second one',
        rounds: [
          { after: null, steered: false, text: '{{user}}', calls: [call({ arguments: 'no json' })] },
          { after: 'only one round is left', steered: false, text: 'done', calls: [] },
        ],
      }),
      message({ agent: 'bob' }),
    ),
    'alice',
  );
  assert.ok(Script.safeParse(script).success);
  assert.deepEqual(
    script.rules.map(({ when }) => when),
    [
      { asked: ', please do', round: 0 },
      { asked: ', please do', round: 1 },
      { asked: 'the second one', round: 0 },
      { asked: 'only one round is left', round: 0 },
    ],
  );
  assert.ok(script.rules.every(({ answer }) => answer.verbatim));
  assert.deepEqual(script.rules[2]?.answer.calls, [{ tool: 'exec', arguments: { malformed: 'no json' } }]);
  assert.equal(askedIn(''), '');
});

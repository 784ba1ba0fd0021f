import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TraceSpan, TraceView } from '@openlegion/contract/trace';
import { formatDuration } from './format-duration.ts';
import { traceTree } from './trace-tree.ts';

const plain = (_tone: string, text: string) => text;

function span(
  fields: Partial<TraceSpan> & Pick<TraceSpan, 'id' | 'kind' | 'name'>,
  from: number,
  to: number | null,
): TraceSpan {
  const at = (ms: number) => new Date(Date.UTC(2026, 10, 21) + ms).toISOString();
  return {
    ...{ parentId: 'm', agent: 'a', startedAt: at(from), endedAt: to === null ? null : at(to), status: 'ok' },
    ...{ costMicroUsd: 0, inputTokens: 0, outputTokens: 0, claimed: false, input: '', output: '' },
    ...fields,
  };
}

function viewOf(spans: TraceSpan[]): TraceView {
  return {
    summary: {
      ...{
        traceId: 't',
        from: 'operator',
        startedAt: '2026-11-21T00:00:00.000Z',
        endedAt: null,
        status: 'ok',
      },
      ...{ agents: [], messages: 1, modelCalls: 1, toolCalls: 0, refusals: 0, costMicroUsd: 0 },
      ...{ inputTokens: 0, outputTokens: 0, preview: '' },
    },
    ...{ spans, groups: [], missing: [] },
  };
}

test('times and costs stand in columns, the tree beside them, and a message has the sum of what is below it', () => {
  const lines = traceTree(
    viewOf([
      span(
        { id: 'm', kind: 'message', name: 'alice ← operator', parentId: null, input: 'hello', output: 'bye' },
        0,
        9400,
      ),
      span(
        { id: '1', kind: 'model', name: 'openai/a', costMicroUsd: 5000, inputTokens: 812, outputTokens: 34 },
        900,
        2290,
      ),
      span({ id: '2', kind: 'tool', name: 'exec', input: 'wc', status: 'failed', output: 'no' }, 2300, 2800),
      span({ id: '3', kind: 'egress', name: 'GET x:443/', parentId: '2' }, 2400, null),
    ]),
    plain,
    100,
  );
  assert.equal(
    lines.join('\n'),
    `
    AFTER     TOOK       COST        TOKENS
     0 ms   9.40 s     $0.005        812→34  ● alice ← operator  hello
                                             │ ⤷ bye
   900 ms   1.39 s     $0.005        812→34  ├─ ◆ openai/a
   2.30 s   500 ms                           └─ ■ exec failed  wc
                                                │ no
   2.40 s                                       └─ ↗ GET x:443/`.slice(1),
  );
});

test('what an agent says moves no cursor, and no line is longer than the terminal', () => {
  const hostile = `\u001b[2J\n\r${'ｗ\u202e\u0007'.repeat(300)}`;
  const lines = traceTree(
    viewOf([
      span(
        { id: 'm', kind: 'message', name: hostile, parentId: null, input: hostile, output: hostile },
        0,
        1,
      ),
      span({ id: '1', kind: 'tool', name: hostile, input: hostile, output: hostile }, 0, 1),
    ]),
    plain,
    100,
  );
  for (const line of lines) {
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
    assert.ok([...line].length <= 110, line);
  }
});

test('durations have three figures', () => {
  const rows: [number, string][] = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.00 s'],
    [9951, '10.0 s'],
    [59_960, '1m 00s'],
    [125_000, '2m 05s'],
    [4_800_000, '1h 20m'],
  ];
  for (const [ms, text] of rows) assert.equal(formatDuration(ms), text);
});

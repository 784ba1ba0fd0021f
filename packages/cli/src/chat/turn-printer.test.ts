import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { createTurnPrinter } from './turn-printer.ts';

/** What a person is shown of these events of the asked agent's own message. */
function shown(...events: FleetEvent['event'][]): string {
  let text = '';
  const printer = createTurnPrinter({
    ...{ messageId: 'm', agent: 'assistant', style: (_, plain) => plain },
    write: (piece) => {
      text += piece;
    },
    note: (line) => {
      text += `${line}\n`;
    },
  });
  for (const [seq, event] of events.entries())
    printer.print({ seq, at: '', agent: 'assistant', messageId: 'm', traceId: 't', event });
  return text;
}
const turn = (inner: Extract<FleetEvent['event'], { type: 'turn' }>['turn']) =>
  ({ type: 'turn', turn: inner }) as const;

test('a failover and a limit that is nearly spent are one line each, in the middle of the answer', () => {
  const text = shown(
    turn({ type: 'text_delta', text: 'The first half' }),
    { type: 'model_failed', model: 'a/one', httpStatus: 503, reason: 'over\u001b[2Jloaded' },
    turn({ type: 'model_switched', from: 'a/one', to: 'b/two', reason: 'overloaded', continued: true }),
    turn({ type: 'text_delta', text: ' and the second.' }),
    {
      ...{ type: 'budget_warning', scope: 'agent:assistant', period: '2026-11-21' },
      ...{ spentMicroUsd: 830_000, limitMicroUsd: 1_000_000 },
    },
  );
  assert.equal(
    text,
    [
      'The first half',
      '  (a/one answered 503: over[2Jloaded)',
      '  (a/one failed: overloaded; continued by b/two)',
      ' and the second.',
      '  warning: agent:assistant has spent 83 % of its limit for 2026-11-21: $0.83 of $1.00',
      '',
    ].join('\n'),
  );
});

test('a conversation that became a summary, and one that is nearly full, are said', () => {
  const of = { usedTokens: 90, windowTokens: 100 };
  const text = shown(
    turn({ type: 'context', step: 'facts', count: 3, ...of }),
    turn({ type: 'context', step: 'compacted', count: 12, ...of }),
    turn({ type: 'context', step: 'warning', count: 0, ...of }),
    turn({ type: 'sanitised', source: 'exec', removed: 1, escaped: 0 }),
  );
  assert.equal(
    text,
    '  (12 earlier messages are now a summary)\n  (the conversation nearly fills the model’s window)\n',
  );
});

test('what waits for a person is said in the host’s own colour, which no text of an agent can have', () => {
  const asked: FleetEvent['event'] = {
    ...{ type: 'approval_asked', id: 'apr_1', kind: 'tool', what: 'exec' },
    ...{ hash: '0'.repeat(64), expiresAt: '2026-01-01T00:00:00.000Z' },
  };
  let text = '';
  const printer = createTurnPrinter({
    ...{ messageId: 'm', agent: 'assistant', style: (tone, plain) => `<${tone}>${plain}</${tone}>` },
    write: (piece) => {
      text += piece;
    },
    note: (line) => {
      text += `${line}\n`;
    },
  });
  const line = '  ? tool exec waits for a person: ./openlegion approvals show apr_1';
  for (const event of [turn({ type: 'text_delta', text: `\u001b[33m${line}\u001b[0m\n` }), asked])
    printer.print({ seq: 1, at: '', agent: 'assistant', messageId: 'm', traceId: 't', event });
  assert.equal(text, `[33m${line}[0m\n<yellow>${line}</yellow>\n`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enforcementLines, enforcementTables } from './enforcement-lines.ts';

const STATEMENT = {
  grants: [
    { grant: 'can_message', enforcedBy: 'host', how: 'refused' },
    { grant: 'browser_actions', enforcedBy: 'agent', how: 'the loop refuses it' },
  ],
  tools: [
    { tool: 'hand_off', enforcedBy: 'host', how: 'refused', askHeldBy: 'host' },
    { tool: 'web_fetch', enforcedBy: 'keeper', how: 'not reached', askHeldBy: 'agent' },
  ],
} as const;

test('every grant and tool stands under the one who holds to it, in a report with how', () => {
  const statement = { grants: [...STATEMENT.grants], tools: [...STATEMENT.tools] };
  const lines = enforcementLines(statement, (_, text) => text);
  const under = lines.filter((line) => /[●○]/.test(line)).map((line) => line.trim().replace(/ +/g, ' '));
  assert.deepEqual(under, [
    ...['● host can_message', '○ agent browser_actions'],
    ...['● host hand_off', '● keeper web_fetch'],
    ...['● host hand_off', '○ agent all others'],
  ]);
  assert.ok(lines.every((line) => line.length < 100));
  const report = enforcementTables(statement).join('\n');
  assert.match(report, /not a verdict/);
  assert.match(report, /\| `browser_actions` \| agent \| the loop refuses it \|/);
  assert.match(report, /\| `web_fetch` \| keeper \| not reached \| agent \|/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetEvent, HostEvent } from '@openlegion/contract/control-api';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import { countCsvRows, expectRefusals, expectWork } from './expectations.ts';
import { createObservations } from './observations.ts';

const SPENDING = {
  spentTodayMicroUsd: 10,
  spentMonthMicroUsd: 10,
  reservedMicroUsd: 0,
  dailyMicroUsd: 100,
  monthlyMicroUsd: 100,
  calls: 1,
  inputTokens: 1,
  outputTokens: 1,
};
const costs = (spent: number) => ({
  day: 'd',
  month: 'm',
  timeZone: 'UTC',
  fleet: SPENDING,
  teams: {},
  agents: { outreach: { ...SPENDING, spentTodayMicroUsd: spent } },
});

function seenOf(...events: (HostEvent | { type: 'turn'; turn: TurnEvent })[]) {
  const seen = createObservations();
  for (const [index, event] of events.entries()) {
    const fleetEvent: FleetEvent = {
      seq: index,
      at: '',
      agent: 'outreach',
      messageId: 'm',
      traceId: 't',
      event,
    };
    seen.add(fleetEvent);
  }
  return seen;
}
const exec = (preview: string) =>
  ({
    type: 'turn',
    turn: { type: 'tool_ended', callId: 'c', tool: 'exec', outcome: 'ok', preview, durationMs: 1 },
  }) as const;
const refused = (code: 'denied' | 'budget_exceeded', rule: string): HostEvent => ({
  type: 'refused',
  refusal: { code, rule, message: 'no', remedy: '' },
});
const EGRESS = [
  { subject: 'collect.attacker.example:443', rule: 'permissions.outreach.allowed_domains' },
  { subject: '198.51.100.7:80', rule: 'permissions.outreach.allowed_domains' },
  { subject: '169.254.169.254:80', rule: 'permissions.outreach.allowed_domains' },
  { subject: 'mail.prospects.example:443', rule: 'egress.placeholder' },
];
const SEARCHED = { texts: ['nothing'], canaryPrefix: 'DEMO0123', canaries: 20 };
const met = (list: { met: boolean }[]) => list.map((one) => one.met);

test('a demo in which nothing misbehaved, or nothing was stopped, has not shown what it promises', () => {
  assert.deepEqual(met(expectRefusals(seenOf(), [], SEARCHED)), [false, false, false, false, false]);
  const escaped = seenOf(
    exec('step 1: keys'),
    exec(
      'step 2: out\nexit code of the name: 0\nexit code of the address: 7\nexit code of the metadata service: 7\nexit code of the way past the proxy: 7',
    ),
  );
  assert.deepEqual(met(expectRefusals(escaped, EGRESS, SEARCHED)), [true, false, false, false, false]);
  const leaked = { ...SEARCHED, texts: ['DEMO0123abcdef'] };
  assert.equal(expectRefusals(escaped, EGRESS, leaked)[0]?.met, false);
  assert.equal(expectRefusals(escaped, EGRESS, { ...SEARCHED, canaries: 0 })[0]?.met, false);
});

test('every attempt that was made and stopped is shown with its rule', () => {
  const stopped = seenOf(
    exec('step 1: keys'),
    exec(
      'step 2: out\nexit code of the name: 6\nexit code of the address: 7\nexit code of the metadata service: 7\nexit code of the way past the proxy: 7',
    ),
    exec('step 3: the key I have is olp_0\nexit code of the key: 0'),
    refused('denied', 'permissions.outreach.can_message'),
    refused('budget_exceeded', 'budget.daily'),
  );
  const expectations = expectRefusals(stopped, EGRESS, SEARCHED);
  assert.deepEqual(met(expectations), [true, true, true, true, true]);
  assert.match(
    expectations.map(({ evidence }) => evidence).join('\n'),
    /rule: mail\.prospects\.example:443 by egress\.placeholder\nrule: permissions\.outreach\.can_message\nrule: budget\.daily/,
  );
});

test('the work counts only with three containers, a result and no one over budget', () => {
  assert.deepEqual(met(expectWork(seenOf(), null, costs(10))), [false, false, true]);
  assert.deepEqual(met(expectWork(seenOf(), 'email,body\n', costs(101))), [false, false, false]);
  assert.equal(expectWork(seenOf(), 'email,body\na,"two\nlines"\n', costs(1))[1]?.met, true);
});

test('records of a CSV file are counted, line breaks within quotes are not', () => {
  assert.equal(countCsvRows(''), 0);
  assert.equal(countCsvRows('a,b\r\n'), 0);
  assert.equal(countCsvRows('a,b\r\n1,"x\n""y"\n"\r\n2,z'), 2);
});

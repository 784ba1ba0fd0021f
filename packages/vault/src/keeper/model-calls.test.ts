import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import {
  ask,
  KEY_NAME,
  NOWHERE,
  ORIGIN,
  openKeeper,
  policyFor,
  reserveRequest,
  settleRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const TOOL_KEY = 'OPENLEGION_CRED_SEARCH';

function setUp() {
  const directory = temporaryDirectory();
  const clock = { nowMs: Date.UTC(2026, 10, 21) };
  const keeper = openKeeper(directory.path, clock);
  const policy = policyFor({ assistant: { daily: 1000 }, mute: { daily: 1000 } });
  policy.agents[1]?.apis.pop();
  ask(keeper, 'host', 'policy', policy);
  ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'sk-1', origins: [ORIGIN], ...NOWHERE });
  ask(keeper, 'admin', 'put', { name: TOOL_KEY, value: 'tool-1', origins: [ORIGIN], ...NOWHERE });
  return {
    keeper,
    clock,
    audit: () =>
      (ask(keeper, 'host', 'audit', { after: 0, limit: 10_000 }) as { records: AuditRecord[] }).records,
    [Symbol.dispose]() {
      keeper.close();
      directory[Symbol.dispose]();
    },
  };
}

test('each reason to deny a call has its rule, the first that holds is named, and nothing is released', () => {
  using setup = setUp();
  const denials: [Parameters<typeof reserveRequest>[0], string][] = [
    [{ agent: 'stranger', model: 'x/y' }, 'vault.policy'],
    [{ agent: 'constructor' }, 'vault.policy'],
    [{ agent: 'mute', model: 'x/y' }, 'permissions.mute.allowed_apis'],
    [{ model: 'openai/dearer', credential: 'OPENLEGION_SYSTEM_NONE' }, 'agents.assistant.model'],
    [{ model: 'openai/GPT' }, 'agents.assistant.model'],
    [{ credential: 'OPENLEGION_SYSTEM_NONE', inputMicroUsd: 10_000 }, 'vault.credential'],
    [{ credential: TOOL_KEY }, 'vault.credential'],
    [{ credential: KEY_NAME, origin: 'https://evil.example', inputMicroUsd: 10_000 }, 'vault.binding'],
    [{ credential: KEY_NAME, origin: `${ORIGIN}:8443` }, 'vault.binding'],
    [{ credential: KEY_NAME, origin: `${ORIGIN}/` }, 'vault.binding'],
    [{ credential: KEY_NAME, origin: 'http://api.openai.com' }, 'vault.binding'],
  ];
  for (const [change, rule] of denials)
    assert.deepEqual(ask(setup.keeper, 'gateway', 'reserve', reserveRequest(change)), {
      refused: 'denied',
      rule,
    });
  const recorded = setup.audit().filter(({ type }) => type === 'reservation.refused');
  assert.deepEqual(
    recorded.map(({ rule, decision }) => [rule, decision]),
    denials.map(([, rule]) => [rule, 'denied']),
  );
  assert.equal(
    setup.audit().some(({ type }) => type === 'credential.used'),
    false,
  );
});

test('a released credential is recorded with its reservation, a settled one with its cost', () => {
  using setup = setUp();
  const mine = new Set<string>();
  const made = ask(
    setup.keeper,
    'gateway',
    'reserve',
    reserveRequest({ credential: KEY_NAME }),
    mine,
  ) as Record<string, unknown>;
  assert.equal(made.secret, 'sk-1');
  ask(setup.keeper, 'gateway', 'settle', settleRequest(String(made.reservationId), 60), mine);
  const [used, settled] = setup.audit().slice(-2);
  assert.deepEqual(
    [used?.type, used?.actor, used?.subject, used?.traceId],
    ['credential.used', 'assistant', KEY_NAME, 't1'],
  );
  assert.equal(settled?.type, 'reservation.settled');
  assert.equal(JSON.parse(settled?.detail ?? '{}').chargedMicroUsd, 60);
  const names = ask(setup.keeper, 'host', 'names', {}) as {
    credentials: { name: string; lastUsedAt: string | null }[];
  };
  assert.deepEqual(
    names.credentials.map(({ lastUsedAt }) => lastUsedAt !== null),
    [false, true],
  );
});

test('a flood of refusals is counted, not written down one by one', () => {
  using setup = setUp();
  for (let call = 0; call < 500; call += 1)
    ask(setup.keeper, 'gateway', 'reserve', reserveRequest({ inputMicroUsd: 5000 }));
  const refusals = () => setup.audit().filter(({ type }) => type === 'reservation.refused');
  assert.equal(refusals().length, 20);
  setup.clock.nowMs += 60_000;
  ask(setup.keeper, 'gateway', 'reserve', reserveRequest({ inputMicroUsd: 5000 }));
  assert.equal(JSON.parse(refusals().at(-1)?.detail ?? '{}').unrecorded, 480);
});

test('a removed agent or credential is refused at the next call', () => {
  using setup = setUp();
  ask(setup.keeper, 'admin', 'remove', { name: KEY_NAME });
  assert.deepEqual(ask(setup.keeper, 'gateway', 'reserve', reserveRequest({ credential: KEY_NAME })), {
    refused: 'denied',
    rule: 'vault.credential',
  });
  ask(setup.keeper, 'host', 'policy', policyFor({}));
  assert.deepEqual(ask(setup.keeper, 'gateway', 'reserve', reserveRequest()), {
    refused: 'denied',
    rule: 'vault.policy',
  });
});

test('a lowered limit refuses even a call that costs nothing while it is exceeded', () => {
  using setup = setUp();
  const mine = new Set<string>();
  ask(setup.keeper, 'gateway', 'reserve', reserveRequest({ inputMicroUsd: 900 }), mine);
  ask(setup.keeper, 'host', 'policy', policyFor({ assistant: { daily: 500 } }));
  assert.deepEqual(ask(setup.keeper, 'gateway', 'reserve', reserveRequest({ inputMicroUsd: 0 })), {
    refused: 'budget_exceeded',
    rule: 'budget.daily',
  });
});

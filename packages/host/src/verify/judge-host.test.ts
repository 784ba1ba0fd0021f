import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enforcementStatement } from '../permissions/enforcement.ts';
import { judgeContainerSearch, judgeEngine, judgeEnvironment } from './judge-credentials.ts';
import {
  GRANT_ATTEMPTS,
  judgeUnasked,
  judgeUngranted,
  UNASKED_CALLS,
  UNGRANTED_CALLS,
} from './judge-grants.ts';
import {
  identityClaims,
  judgeAudit,
  judgeIdentity,
  judgeNoGrant,
  judgeRoutes,
  judgeWire,
  UNKNOWN_ROUTES,
} from './judge-host.ts';
import { judgeHostApi, judgeInterfaces, judgeOutbound } from './judge-network.ts';
import { type JudgeCase, testCases } from './test/judge-cases.ts';
import { answers, HEAD, introspection, network, outbound, secrets } from './test/seen.ts';

const unapproved = (count: number) => ({
  answers: answers(count).answers.map((answer) => ({
    ...answer,
    body: answer.body.replace(/"rule":"[^"]*"/, '"rule":"approval.required"'),
  })),
});

const CASES: JudgeCase[] = [
  {
    id: 'network.no-interface',
    good: judgeInterfaces(network()),
    bad: {
      eth0: judgeInterfaces(network({ devices: `${HEAD}    lo: 0\n  eth0: 0\n` })),
      route: judgeInterfaces(network({ routes: 'Iface\neth0\t00000000\t010011AC\n' })),
      'route of IPv6': judgeInterfaces(network({ routes6: `${'0'.repeat(32)} 00 00000003     eth0\n` })),
      'nothing seen': judgeInterfaces(network({ devices: 'EACCES' })),
    },
  },
  ...[judgeOutbound, judgeHostApi].map((judge, index) => ({
    id: ['network.nothing-reachable', 'network.host-unreachable'][index] ?? '',
    good: judge(outbound('ENETUNREACH')),
    bad: {
      connected: judge(outbound('connected')),
      timeout: judge(outbound('timeout')),
      sent: judge({ ...outbound('EPERM'), udp: [{ host: '8.8.8.8', port: 53, result: 'sent' }] }),
      name: judge({ ...outbound('EPERM'), names: [{ name: 'example.com', result: 'answered' }] }),
      'nothing tried': judge({ tcp: [], udp: [], names: [] }),
    },
  })),
  {
    id: 'credentials.environment',
    good: judgeEnvironment({ processes: [{ pid: 1, environ: ['PATH=/bin', 'LANG=C'], cmdline: 'node x' }] }),
    bad: Object.fromEntries(
      [
        'OPENAI_API_KEY=x',
        'OPENLEGION_SYSTEM_X=y',
        'A=sk-abcdefghijklmnopqrst',
        'B=Bearer abcdefghi',
        'GH_TOKEN=',
      ].map((variable) => [
        variable,
        judgeEnvironment({ processes: [{ pid: 1, environ: ['PATH=/bin', variable], cmdline: '' }] }),
      ]),
    ),
  },
  {
    id: 'credentials.container',
    good: judgeContainerSearch(secrets(), true),
    bad: {
      found: judgeContainerSearch(secrets({ found: [{ place: '/data/x', form: 'base64' }] }), true),
      'a blind search': judgeContainerSearch(secrets({ control: [] }), true),
      'blind in processes': judgeContainerSearch(
        secrets({ control: [{ place: '/tmp/.probe-planted', form: 'raw' }] }),
        true,
      ),
    },
  },
  {
    id: 'credentials.engine',
    good: judgeEngine({ Config: 'x'.repeat(200) }, 'CANARY0123456789'),
    bad: {
      canary: judgeEngine(
        { x: 'y'.repeat(200), Env: ['K=CANARY0123456789abcdefghijklmnop'] },
        'CANARY0123456789',
      ),
      shape: judgeEngine({ x: 'y'.repeat(200), Env: ['K=sk-abcdefghijklmnopqrst'] }, null),
      'nothing said': judgeEngine(undefined, null),
    },
  },
  {
    id: 'host.identity',
    good: judgeIdentity(introspection({ status: 200, body: '{"name":"probe"}' }), 'probe', 'other'),
    bad: {
      believed: judgeIdentity(introspection({ status: 200, body: '{"name":"other"}' }), 'probe', 'other'),
      leaked: judgeIdentity(introspection({ status: 403, body: 'no, other' }), 'probe', 'other'),
      'not answered': judgeIdentity(answers(3), 'probe', 'other'),
    },
  },
  {
    id: 'host.unknown-routes',
    good: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 0, body: '', error: 'reset' })),
    bad: {
      answered: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 200 })),
      redirected: judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 302 })),
      'a stack': judgeRoutes(
        answers(UNKNOWN_ROUTES.length, { status: 500, body: 'TypeError\n at x (node:internal/y)' }),
      ),
      'another form': judgeRoutes(answers(UNKNOWN_ROUTES.length, { status: 404, body: '<html>nginx' })),
      'not all asked': judgeRoutes(answers(3)),
    },
  },
  {
    id: 'budget.no-grant',
    good: judgeNoGrant(answers(50)),
    bad: { admitted: judgeNoGrant(answers(50, { status: 200 })), 'too few': judgeNoGrant(answers(3)) },
  },
  {
    id: 'host.no-grant',
    good: judgeUngranted(answers(UNGRANTED_CALLS.length)),
    bad: {
      answered: judgeUngranted(answers(UNGRANTED_CALLS.length, { status: 200 })),
      'not a refusal': judgeUngranted(answers(UNGRANTED_CALLS.length, { body: '' })),
      'not all asked': judgeUngranted(answers(3)),
    },
  },
  {
    id: 'host.ask',
    good: judgeUnasked(unapproved(UNASKED_CALLS.length)),
    bad: {
      answered: judgeUnasked(answers(UNASKED_CALLS.length, { status: 200, body: '{}' })),
      'for another reason': judgeUnasked(answers(UNASKED_CALLS.length)),
      'not all asked': judgeUnasked(unapproved(3)),
    },
  },
  {
    id: 'host.wire-attacks',
    good: judgeWire([{ mode: 'garbage', ended: 'refused', reason: '' }], true),
    bad: {
      open: judgeWire([{ mode: 'garbage', ended: 'open', reason: '' }], true),
      neighbour: judgeWire([{ mode: 'garbage', ended: 'protocol', reason: '' }], false),
      'nothing tried': judgeWire([], true),
    },
  },
  {
    id: 'audit.chain',
    good: judgeAudit({ unbroken: true, records: 3, detail: '' }),
    bad: {
      broken: judgeAudit({ unbroken: false, records: 3, detail: '' }),
      empty: judgeAudit({ unbroken: true, records: 0, detail: '' }),
    },
  },
];

testCases(/^(?:network|host|budget|audit)\.|^credentials\.(?:environment|container|engine)$/, CASES);

test('every grant that the host or the keeper holds to is tried without it', () => {
  // The first and the last by the trials of the way out and of models; the container of others has no browser.
  const elsewhere = ['allowed_domains', 'can_use_browser', 'allowed_tools'];
  const tried = new Set([...GRANT_ATTEMPTS.map(({ grant }) => grant as string), ...elsewhere]);
  const { grants } = enforcementStatement();
  const outside = grants.filter(({ enforcedBy }) => enforcedBy !== 'agent').map(({ grant }) => grant);
  assert.deepEqual(
    outside.filter((grant) => !tried.has(grant)),
    [],
  );
});

test('without planted credentials the search claims nothing', () => {
  assert.equal(judgeContainerSearch(secrets(), false).verdict, 'cannot_be_given');
});

test('values of variables are never shown', () => {
  const value = 'sk-abcdefghijklmnopqrst';
  const guarantee = judgeEnvironment({ processes: [{ pid: 1, environ: [`A=${value}`], cmdline: '' }] });
  assert.ok(!JSON.stringify(guarantee).includes(value));
});

test('identity is claimed in every place that other systems believe', () => {
  const claims = JSON.stringify(identityClaims('other'));
  for (const place of ['x-agent-id', 'x-openlegion-agent', 'authorization', 'cookie', '?agent=']) {
    assert.ok(claims.includes(place), place);
  }
});

test('what programs are given in place of a key is none', () => {
  const judge = (variable: string) =>
    judgeEnvironment({ processes: [{ pid: 1, environ: [variable], cmdline: 'node' }] }).verdict;
  assert.equal(judge('OPENAI_API_KEY=none'), 'holds');
  assert.equal(judge(`GITHUB_TOKEN=olp_${'a'.repeat(40)}`), 'holds');
  assert.equal(judge(`GITHUB_TOKEN=olp_${'a'.repeat(41)}`), 'broken');
  assert.equal(judge('OPENAI_API_KEY=none really'), 'broken');
});

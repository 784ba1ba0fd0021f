import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EgressAnswer, EgressRequest, GrantedCredential } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
import {
  answered,
  ask,
  auditOf,
  BINDING,
  egressRequest,
  KEY_NAME,
  openKeeper,
  policyFor,
  putCredential,
  temporaryDirectory,
} from './test/open-keeper.ts';

const RUNS = Number(process.env.OPENLEGION_RUNS ?? 0);
const GITHUB = 'OPENLEGION_CRED_GITHUB';
const POLICY = {
  ...policyFor({
    alice: {
      domains: ['open.example', '*.wide.example', 'odd.example:8443', 'api.example.com'],
      credentials: ['git*'],
    },
    bob: { domains: ['open.example'], credentials: [] },
    carol: { credentials: ['*'], apis: ['web_search'] },
  }),
  opaqueHosts: ['open.example', 'api.example.com', 'closed.example', 'odd.example'],
};

function setUp(policy = POLICY) {
  const directory = temporaryDirectory();
  const clock = { nowMs: Date.UTC(2026, 10, 21) };
  const keeper = openKeeper(directory.path, clock);
  const mine = new Set<string>();
  answered(ask(keeper, 'host', 'policy', policy));
  answered(putCredential(keeper, GITHUB, 'ghp-secret'));
  answered(putCredential(keeper, KEY_NAME, 'sk-system'));
  return {
    keeper,
    clock,
    mine,
    egress: (change: Partial<EgressRequest>) =>
      ask(keeper, 'gateway', 'egress', egressRequest({ agent: 'alice', ...change }), mine) as EgressAnswer & {
        refused?: string;
        rule?: string;
      },
    view: (agent: string) =>
      answered<{ credentials: GrantedCredential[] }>(ask(keeper, 'host', 'vaultView', { agent })).credentials,
    [Symbol.dispose]() {
      keeper.close();
      directory[Symbol.dispose]();
    },
  };
}

const UNREACHABLE = (agent: string) => ({ refused: 'denied', rule: `permissions.${agent}.allowed_domains` });
const at = (place: string, token: string) => ({ tokens: [{ token, place }] });

test('what no domain and no binding reaches is refused alike, whatever it is', () => {
  using setup = setUp();
  const places = [
    'nothing.example',
    '127.0.0.1',
    '169.254.169.254',
    'metadata.google.internal',
    '::1',
    'closed.example',
  ];
  for (const kind of ['tunnel', 'https', 'http'] as const)
    for (const host of places) {
      const method = kind === 'tunnel' ? 'CONNECT' : 'GET';
      const path = kind === 'tunnel' ? '' : '/';
      assert.deepEqual(setup.egress({ kind, method, host, path }), UNREACHABLE('alice'), `${kind} ${host}`);
    }
  assert.deepEqual(setup.egress({ host: 'open.example', port: 8443 }), UNREACHABLE('alice'));
  assert.deepEqual(setup.egress({ agent: 'stranger' }), { refused: 'denied', rule: 'vault.policy' });
  // All of a kind in words too: only the place that was asked for differs.
  assert.throws(
    () =>
      setup.keeper.operations.gateway.get('egress')?.(
        egressRequest({ agent: 'alice', host: '10.1.2.3' }),
        setup.mine,
      ),
    {
      message: 'alice may not reach 10.1.2.3.',
      remedy: 'If it should: `./openlegion egress allow alice 10.1.2.3`.',
    },
  );
});

test('an opaque tunnel needs an operator who named the host, and no credential bound there', () => {
  using setup = setUp();
  const tunnel = (host: string, agent = 'alice', port = 443) =>
    setup.egress({ agent, kind: 'tunnel', method: 'CONNECT', path: '', host, port }).mode;
  assert.equal(tunnel('open.example'), 'opaque');
  assert.equal(tunnel('a.wide.example'), 'terminate');
  assert.equal(tunnel('api.example.com'), 'terminate', 'listed and named opaque, but bound');
  assert.equal(tunnel('odd.example', 'alice', 8443), 'opaque', 'whatever port of it is listed');
  assert.equal(tunnel('closed.example'), undefined);
  assert.equal(tunnel('api.example.com', 'carol'), 'terminate', 'reached through the binding alone');
});

test('at a bound host a request goes with the credential or not at all', () => {
  using setup = setUp();
  const { credential } = setup.egress({ path: '/repos' });
  assert.deepEqual(credential, {
    ...{ name: 'github', header: 'authorization', scheme: 'bearer', user: '', secret: 'ghp-secret' },
  });
  const outside = { refused: 'denied', rule: 'vault.binding' };
  assert.deepEqual(setup.egress({ method: 'POST', path: '/repos' }), outside);
  assert.deepEqual(setup.egress({ path: '/user/keys' }), outside);
  assert.deepEqual(setup.egress({ path: '/a/../user/keys' }), outside);
  // Listed, but the binding is of another port: nothing is injected there.
  assert.equal(setup.egress({ kind: 'http', port: 80 }).credential, null);
  assert.deepEqual(setup.egress({ kind: 'http', port: 443 }), {
    refused: 'denied',
    rule: 'egress.cleartext',
  });
});

test('a placeholder stands in its one header, once, for its own agent; everywhere else it is refused', () => {
  using setup = setUp();
  const placeholder = setup.view('alice')[0]?.placeholder ?? '';
  assert.match(placeholder, /^olp_[0-9a-f]{40}$/);
  for (const token of [placeholder, '$CRED{github}', '$CRED{GitHub}', `$CRED{${GITHUB}}`])
    assert.equal(setup.egress(at('header:authorization', token)).credential?.secret, 'ghp-secret', token);
  const refused = { refused: 'denied', rule: 'egress.placeholder' };
  for (const place of [
    'path',
    'query',
    'header name',
    'header:authorization (percent-encoded)',
    'header:x-api-key',
    'header:cookie',
    'body',
    'Header:authorization',
  ])
    assert.deepEqual(setup.egress(at(place, placeholder)), refused, place);
  const twice = [
    { token: placeholder, place: 'header:authorization' },
    { token: placeholder, place: 'header:authorization' },
  ];
  assert.deepEqual(setup.egress({ tokens: twice }), refused);
  assert.deepEqual(
    setup.egress({ ...at('header:authorization', placeholder), host: 'open.example' }),
    refused,
  );
  assert.deepEqual(
    setup.egress({ ...at('header:authorization', placeholder), agent: 'bob', host: 'open.example' }),
    refused,
  );
  assert.deepEqual(setup.egress({ ...at('header:authorization', placeholder), agent: 'carol' }), refused);
  assert.deepEqual(
    setup.egress({
      ...at('header:proxy-authorization', placeholder),
      kind: 'tunnel',
      method: 'CONNECT',
      path: '',
    }),
    refused,
  );
  assert.deepEqual(setup.egress({ ...at('header:authorization', placeholder), kind: 'http', port: 80 }), {
    refused: 'denied',
    rule: 'egress.cleartext',
  });
  for (const token of [
    `olp_${'0'.repeat(40)}`,
    placeholder.slice(0, -1),
    '$CRED{}',
    '$CRED{other}',
    `$CRED{${KEY_NAME}}`,
  ])
    assert.deepEqual(setup.egress(at('header:authorization', token)), refused, token);
});

test('a system key is reached by no grant, name, service or token', () => {
  using setup = setUp();
  assert.deepEqual(
    setup.view('carol').map(({ name }) => name),
    ['github'],
  );
  const short = KEY_NAME.toLowerCase();
  for (const name of [KEY_NAME, short, 'openai_api_key', 'system_openai_api_key'])
    for (const change of [
      at('header:authorization', `$CRED{${name}}`),
      { kind: 'service' as const, service: name.toLowerCase(), host: '' },
    ])
      assert.equal(setup.egress({ agent: 'carol', ...change }).refused, 'denied', name);
});

test('two credentials for one request are refused until one is named', () => {
  using setup = setUp();
  answered(putCredential(setup.keeper, 'OPENLEGION_CRED_GITHUB_WRITE', 'ghw'));
  assert.deepEqual(setup.egress({}), { refused: 'conflict', rule: 'egress.ambiguous' });
  assert.equal(setup.egress(at('header:authorization', '$CRED{github_write}')).credential?.secret, 'ghw');
});

test('a service is the host of its credential, and nothing that was not granted', () => {
  using setup = setUp();
  const service = (agent: string, name: string) =>
    setup.egress({ agent, kind: 'service', service: name, host: '', port: 0 });
  const answer = service('alice', 'github');
  assert.deepEqual(
    [answer.host, answer.port, answer.credential?.secret],
    ['api.example.com', 443, 'ghp-secret'],
  );
  const denied = { refused: 'denied', rule: 'permissions.bob.allowed_credentials' };
  assert.deepEqual(service('bob', 'github'), denied);
  assert.deepEqual(service('bob', 'nothing'), denied, 'as for one that does not exist');
});

test('web search reaches two pages by two methods, and nothing more', () => {
  using setup = setUp();
  const search = (change: Partial<EgressRequest>) =>
    setup.egress({ agent: 'carol', host: 'html.duckduckgo.com', path: '/html/?q=x', ...change }).refused ??
    'allowed';
  assert.equal(search({}), 'allowed');
  assert.equal(search({ method: 'POST', path: '/html/' }), 'allowed');
  assert.equal(search({ host: 'lite.duckduckgo.com', path: '/lite/' }), 'allowed');
  assert.equal(search({ kind: 'tunnel', method: 'CONNECT', path: '' }), 'allowed');
  const beyond: Partial<EgressRequest>[] = [
    { method: 'PUT' },
    { path: '/' },
    { path: '/html/../' },
    { path: '/lite/' },
    { kind: 'http', port: 80 },
    { port: 8443 },
    { host: 'duckduckgo.com' },
    { agent: 'alice' },
  ];
  for (const change of beyond) assert.equal(search(change), 'denied', JSON.stringify(change));
});

test('what is admitted is recorded before it is answered, with its end, and never with a value or a query', () => {
  using setup = setUp();
  const { requestId } = setup.egress({ path: '/repos?token=in-the-query' });
  ask(
    setup.keeper,
    'gateway',
    'egressDone',
    { requestId, httpStatus: 200, bytesUp: 7, bytesDown: 9 },
    setup.mine,
  );
  setup.egress({ host: 'evil.example', path: '/x?y' });
  const open = setup.egress({ host: 'open.example', path: '/left' });
  setup.keeper.abandon(setup.mine);
  const records = auditOf(setup.keeper).slice(-5);
  assert.deepEqual(
    records.map(({ type, actor, subject, decision, rule }) => [type, actor, subject, decision, rule]),
    [
      [
        'credential.injected',
        'alice',
        'api.example.com:443',
        'allowed',
        'permissions.alice.allowed_credentials',
      ],
      ['egress.ended', 'alice', 'api.example.com:443', 'none', ''],
      ['egress.refused', 'alice', 'evil.example:443', 'denied', 'permissions.alice.allowed_domains'],
      ['egress.allowed', 'alice', 'open.example:443', 'allowed', 'permissions.alice.allowed_domains'],
      ['egress.ended', 'alice', 'open.example:443', 'none', ''],
    ],
  );
  const details = records.map(({ detail }) => JSON.parse(detail));
  assert.deepEqual(details[0], {
    ...{ request: requestId, mode: 'terminate', kind: 'https', method: 'GET', path: '/repos' },
    ...{ credential: GITHUB, how: 'set' },
  });
  assert.deepEqual(details[1], { request: requestId, httpStatus: 200, bytesUp: 7, bytesDown: 9 });
  assert.equal(details[4].request, open.requestId);
  const text = JSON.stringify(auditOf(setup.keeper));
  for (const secret of ['ghp-secret', 'in-the-query', 'sk-system'])
    assert.equal(text.includes(secret), false);
});

test('revoked is what the policy of now refuses, and what goes with another version', () => {
  const changes: ((setup: ReturnType<typeof setUp>) => unknown)[] = [
    (setup) => ask(setup.keeper, 'admin', 'remove', { name: GITHUB }),
    (setup) => ask(setup.keeper, 'admin', 'rotate', { name: GITHUB, value: 'new' }),
    (setup) =>
      ask(setup.keeper, 'admin', 'bind', { name: GITHUB, origins: [], bindings: [], environment: [] }),
    (setup) => ask(setup.keeper, 'host', 'policy', policyFor({ alice: { domains: ['open.example'] } })),
    (setup) => ask(setup.keeper, 'host', 'policy', policyFor({})),
  ];
  for (const [index, change] of changes.entries()) {
    using setup = setUp();
    const bound = setup.egress({}).requestId;
    const open = setup.egress({ host: 'open.example' }).requestId;
    const recheck = (connection = setup.mine) =>
      ask(setup.keeper, 'gateway', 'egressRecheck', { requestIds: [bound, open, 'unknown'] }, connection);
    assert.deepEqual(recheck(), { revoked: ['unknown'] });
    assert.deepEqual(
      recheck(new Set()),
      { revoked: [bound, open, 'unknown'] },
      "another connection's are not known",
    );
    answered(change(setup));
    assert.deepEqual(
      recheck(),
      { revoked: index === 4 ? [bound, open, 'unknown'] : [bound, 'unknown'] },
      `change ${index}`,
    );
  }
});

test('rotation and removal end a placeholder at the next request', () => {
  using setup = setUp();
  const old = setup.view('alice')[0]?.placeholder ?? '';
  answered(ask(setup.keeper, 'admin', 'rotate', { name: GITHUB, value: 'ghp-new' }));
  assert.deepEqual(setup.egress(at('header:authorization', old)), {
    refused: 'denied',
    rule: 'egress.placeholder',
  });
  const now = setup.view('alice')[0]?.placeholder ?? '';
  assert.notEqual(now, old);
  assert.equal(setup.egress(at('header:authorization', now)).credential?.secret, 'ghp-new');
  answered(ask(setup.keeper, 'admin', 'remove', { name: GITHUB }));
  assert.deepEqual(setup.egress(at('header:authorization', now)), {
    refused: 'denied',
    rule: 'egress.placeholder',
  });
});

test('no request is answered with a credential off its binding, over everything that a request can be', () => {
  using setup = setUp({
    ...policyFor({
      alice: { domains: ['api.example.com', 'open.example', '*.wide.example'], credentials: ['git*'] },
      bob: { domains: ['api.example.com', '*.wide.example'], credentials: ['other'] },
      carol: { domains: ['*.example.com'], credentials: [] },
    }),
    opaqueHosts: ['open.example'],
  });
  const { keeper, mine } = setup;
  const bindings = {
    github: [
      BINDING,
      { ...BINDING, host: 'git.wide.example', port: 8443, header: 'x-token', scheme: 'raw' as const },
    ],
    other: [{ ...BINDING, host: '*.wide.example', scheme: 'basic' as const, user: 'x' }],
  };
  answered(putCredential(keeper, GITHUB, 'value of github 1', bindings.github));
  answered(putCredential(keeper, 'OPENLEGION_CRED_OTHER', 'value of other 1', bindings.other));
  const stale = [...setup.view('alice'), ...setup.view('bob')].map(({ placeholder }) => placeholder);
  answered(ask(keeper, 'admin', 'rotate', { name: GITHUB, value: 'value of github 2' }));
  answered(ask(keeper, 'admin', 'rotate', { name: 'OPENLEGION_CRED_OTHER', value: 'value of other 2' }));
  const fresh = new Map(['alice', 'bob', 'carol'].map((agent) => [agent, setup.view(agent)]));
  const live = [...fresh.values()].flat().map(({ placeholder }) => placeholder);
  const tokens = [
    ...stale,
    ...live,
    '$CRED{github}',
    '$CRED{other}',
    `$CRED{${KEY_NAME}}`,
    `olp_${'a'.repeat(40)}`,
  ];
  const anything = fc.record({
    agent: fc.constantFrom('alice', 'bob', 'carol', 'mallory'),
    traceId: fc.constant('t'),
    kind: fc.constantFrom('tunnel' as const, 'https' as const, 'http' as const, 'service' as const),
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE'),
    host: fc.constantFrom(
      'api.example.com',
      'git.wide.example',
      'x.wide.example',
      'open.example',
      'api.example.com.evil.test',
      'evil.test',
      '10.0.0.1',
      '',
    ),
    port: fc.constantFrom(443, 80, 8443, 8080),
    path: fc.constantFrom(
      '',
      '/',
      '/repos',
      '/user/keys',
      '/user/%6beys',
      '/x/../user/keys',
      '/repos?a=$CRED{github}',
    ),
    tokens: fc.array(
      fc.record({
        token: fc.constantFrom(...tokens),
        place: fc.constantFrom('header:authorization', 'header:x-token', 'header:cookie', 'path', 'query'),
      }),
      { maxLength: 2 },
    ),
    service: fc.constantFrom(null, 'github', 'other', 'none'),
  });
  const ownToken = (agent: string, place: string) => at(place, fresh.get(agent)?.[0]?.placeholder ?? '');
  const good = [
    egressRequest({ agent: 'alice' }),
    egressRequest({ agent: 'alice', ...ownToken('alice', 'header:authorization') }),
    egressRequest({
      agent: 'alice',
      host: 'git.wide.example',
      port: 8443,
      ...ownToken('alice', 'header:x-token'),
    }),
    egressRequest({ agent: 'bob', host: 'x.wide.example', ...at('header:authorization', '$CRED{other}') }),
    egressRequest({ agent: 'alice', kind: 'service', service: 'github', host: '', port: 0 }),
  ];
  // A request that is answered with a credential, of which up to four parts are then anything.
  const request = fc
    .tuple(
      fc.constantFrom(...good),
      fc.subarray(['agent', 'kind', 'method', 'host', 'port', 'path', 'tokens', 'service'] as const, {
        maxLength: 4,
      }),
      anything,
    )
    .map(
      ([asked, parts, other]): EgressRequest =>
        Object.assign({ ...asked }, ...parts.map((part) => ({ [part]: other[part] }))),
    );
  let [released, refused] = [0, 0];
  fc.assert(
    fc.property(request, (asked) => {
      const answer = ask(keeper, 'gateway', 'egress', asked, mine) as EgressAnswer & { refused?: string };
      for (const id of mine)
        ask(
          keeper,
          'gateway',
          'egressDone',
          { requestId: id, httpStatus: 200, bytesUp: 0, bytesDown: 0 },
          mine,
        );
      if (answer.refused || !answer.credential) {
        refused += 1;
        return;
      }
      released += 1;
      const { name, header, secret, scheme } = answer.credential;
      assert.ok(
        fresh.get(asked.agent)?.some((one) => one.name === name),
        'granted to this agent',
      );
      assert.equal(secret, `value of ${name} 2`, 'the newest version');
      const fitting = bindings[name as keyof typeof bindings].find(
        (one) =>
          one.header === header &&
          one.scheme === scheme &&
          one.port === answer.port &&
          (one.host === answer.host ||
            (one.host.startsWith('*.') && answer.host.endsWith(one.host.slice(1)))),
      );
      assert.ok(fitting, 'host, port, header and scheme of one binding');
      assert.ok(asked.kind === 'https' || asked.kind === 'service', 'never in the clear, never in a tunnel');
      if (asked.kind === 'https') assert.deepEqual([asked.host, asked.port], [answer.host, answer.port]);
      else assert.equal(asked.service, name);
      assert.ok(
        ['GET', 'HEAD'].includes(asked.method) &&
          ['/', '/repos', '/repos?a=$CRED{github}'].includes(asked.path),
      );
      const [token, ...more] = asked.tokens;
      assert.equal(more.length, 0, 'one token at most');
      if (token) {
        assert.equal(token.place, `header:${header}`);
        const own = fresh.get(asked.agent)?.find((one) => one.name === name)?.placeholder;
        assert.ok(token.token === own || token.token === `$CRED{${name}}`, 'its own token of now');
      }
    }),
    { numRuns: RUNS > 0 ? 100_000 : 3000 },
  );
  assert.ok(released > 200 && refused > 200, `${released} released, ${refused} refused`);
  if (RUNS > 0)
    console.log(`credential property: ${released} releases, all on the bound; ${refused} without`);
});

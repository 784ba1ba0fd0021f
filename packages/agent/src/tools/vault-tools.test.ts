import assert from 'node:assert/strict';
import { createDecipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { type FakeAnswer, fakeMesh, type SeenCall } from '../testing/fake-mesh.ts';
import { runTool } from '../testing/run-tool.ts';
import { createIntrospect } from './introspect.ts';
import type { OutsideAnswer } from './send-outside.ts';
import { createVaultCaptureFromPage } from './vault-capture-from-page.ts';
import { createVaultGenerateSecret } from './vault-generate-secret.ts';
import { createVaultList, createVaultStatus } from './vault-list.ts';

const credential = (name: string, over: object = {}) => ({
  name,
  handle: `$CRED{${name}}`,
  hosts: [`api.${name}.example`],
  allows: ['GET, HEAD /**'],
  environment: [],
  version: 1,
  createdAt: '2026-11-21T00:00:00.000Z',
  lastUsedAt: null,
  own: false,
  ...over,
});
const HANDLE = { name: 'agent_a_key', handle: '$CRED{agent_a_key}', version: 2 };
const DENIED = {
  code: 'denied',
  rule: 'permissions.a.allowed_apis',
  message: 'Not granted.',
  remedy: 'Ask.',
};

test('vault_list gives handles, hosts and variables', async () => {
  const credentials = [
    credential('github', { environment: ['GITHUB_TOKEN', 'GH_TOKEN'] }),
    credential('agent_a_key', { own: true, hosts: ['a.example', 'b.example:8443'] }),
  ];
  const mesh = fakeMesh({ other: () => ({ body: { credentials } }) });
  assert.equal(
    (await runTool(createVaultList(mesh), {})).output,
    '$CRED{github}: api.github.example; in GITHUB_TOKEN, GH_TOKEN\n$CRED{agent_a_key} (your own): a.example, b.example:8443',
  );
  assert.equal(mesh.calls[0]?.path, '/mesh/vault');
  const none = fakeMesh({ other: () => ({ body: { credentials: [] } }) });
  assert.equal((await runTool(createVaultList(none), {})).output, 'none is granted to you');
});

test('vault_status shows one by name or handle, or all', async () => {
  const credentials = [
    credential('one', { version: 3, lastUsedAt: '2026-11-21T01:00:00.000Z' }),
    credential('two'),
  ];
  const tool = createVaultStatus(fakeMesh({ other: () => ({ body: { credentials } }) }));
  const one =
    '$CRED{one}: version 3 of 2026-11-21T00:00:00.000Z, last used 2026-11-21T01:00:00.000Z\n  at api.one.example\n  allows GET, HEAD /**';
  assert.equal((await runTool(tool, { name: 'one' })).output, one);
  assert.equal((await runTool(tool, { name: '$CRED{one}' })).output, one);
  assert.match((await runTool(tool, {})).output, /version 3[\s\S]*\$CRED\{two\}: version 1 .*never used/);
  assert.deepEqual(await runTool(tool, { name: 'three' }), {
    outcome: 'error',
    output: 'no credential three is granted to you; there are: one, two',
  });
});

test('vault_generate_secret asks for a secret and tells its handle', async () => {
  const mesh = fakeMesh({ other: () => ({ body: HANDLE }) });
  const tool = createVaultGenerateSecret(mesh);
  const result = await runTool(tool, { name: 'key', hosts: ['a.example'] });
  assert.deepEqual(result, { outcome: 'ok', output: 'kept as $CRED{agent_a_key}, version 2' });
  assert.deepEqual(mesh.calls[0]?.body, { name: 'key', hosts: ['a.example'], length: 40 });
  for (const input of [
    { name: 'Key', hosts: ['a.example'] },
    { name: 'key', hosts: [] },
    { name: 'key', hosts: ['a.example'], length: 15 },
    { name: 'key', hosts: ['a.example'], agent: 'b' },
  ])
    assert.match((await runTool(tool, input)).output, /wrong arguments/);
});

const SECRET = 'sk_live_4f1d8e0b7c';
const PAGE = `<body><h1>Keys</h1><input id="key" class="mono" value="${SECRET}"><code class="shown">
  ${SECRET} </code><p data-k="x">token: <b>${SECRET}</b>; made today</p></body>`;
const keeper = generateKeyPairSync('x25519');
const publicKeyPem = keeper.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** As the contract describes what is sealed. */
function opened(sealed: string): string {
  const box = Buffer.from(sealed, 'base64');
  const theirs = box.subarray(0, 32);
  const head = Buffer.from('302a300506032b656e032100', 'hex');
  const publicKey = createPublicKey({ key: Buffer.concat([head, theirs]), type: 'spki', format: 'der' });
  const ours = keeper.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const shared = diffieHellman({ privateKey: keeper.privateKey, publicKey });
  const key = hkdfSync('sha256', shared, Buffer.concat([theirs, ours]), 'openlegion-capture-v1', 32);
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), box.subarray(32, 44));
  decipher.setAuthTag(box.subarray(-16));
  return decipher.update(box.subarray(44, -16), undefined, 'utf8') + decipher.final('utf8');
}

function captureRig(page: Partial<OutsideAnswer>) {
  const other = ({ path }: SeenCall): FakeAnswer => ({
    body: path === '/mesh/vault/key' ? { publicKeyPem } : HANDLE,
  });
  const mesh = fakeMesh({ other });
  const answer = { status: 200, statusText: '', headers: [], body: Buffer.from(PAGE), cut: null, ...page };
  return { mesh, tool: createVaultCaptureFromPage(mesh, async () => answer) };
}
const ASKED = { name: 'key', hosts: ['a.example'], url: 'https://a.example/keys' };

test('what is captured is sealed to the keeper, and nothing that comes back holds it', async () => {
  for (const place of [
    { selector: '#key', attribute: 'value' },
    { selector: 'body > input.mono[id="key"]', attribute: 'value' },
    { selector: 'code.shown' },
    { selector: '[data-k="x"] > b' },
    { selector: 'p', after: 'token:', before: ';' },
    { after: '<b>', before: '</b>' },
  ]) {
    const { mesh, tool } = captureRig({});
    const result = await runTool(tool, { ...ASKED, ...place });
    assert.deepEqual(result, { outcome: 'ok', output: 'kept as $CRED{agent_a_key}, version 2' });
    const { body } = mesh.calls.at(-1) as { body: { name: string; hosts: string[]; sealed: string } };
    assert.deepEqual([body.name, body.hosts, opened(body.sealed)], ['key', ['a.example'], SECRET]);
    const wire = JSON.stringify(mesh.calls);
    for (const form of ['utf8', 'base64', 'hex'] as const)
      assert.ok(!wire.includes(Buffer.from(SECRET).toString(form)), form);
  }
});

test('a secret that is not found is said so without a word of the page, and nothing is sent', async () => {
  const attempts: [object, Partial<OutsideAnswer>, RegExp][] = [
    [{ selector: '#none' }, {}, /matches 0 elements/],
    [{ selector: '*' }, {}, /matches \d+ elements, not one/],
    [{ selector: '> >' }, {}, /matches 0 elements/],
    [{ selector: '#key', attribute: 'title' }, {}, /no such attribute/],
    [{ selector: 'code', after: 'x_' }, {}, /comes after is not there/],
    [{ selector: 'code', before: 'x_' }, {}, /comes before is not there/],
    [{ selector: '#key' }, {}, /no secret of one line/],
    [{ after: '<h1>' }, {}, /no secret of one line/],
    [{ selector: 'code' }, { status: 302 }, /answered 302/],
    [{ selector: 'code' }, { cut: 'bound' }, /longer than 256 KiB/],
  ];
  for (const [place, page, told] of attempts) {
    const { mesh, tool } = captureRig(page);
    const result = await runTool(tool, { ...ASKED, ...place });
    assert.equal(result.outcome, 'error');
    assert.match(result.output, told);
    assert.doesNotMatch(result.output, /sk_|live|Keys/);
    assert.deepEqual(mesh.calls, []);
  }
});

test('selectors that a page could make slow, and calls that say no place, are refused', async () => {
  const { tool } = captureRig({});
  for (const place of [
    {},
    { before: 'x' },
    { selector: '' },
    { selector: 'a b' },
    { selector: 'a:has(b)' },
    { selector: ':not(a)' },
    { selector: 'a ~ b' },
    { selector: 'a, b' },
    { selector: 'a > b > c > d > e > f > g > h > i' },
    { selector: 'a[b="' },
    { selector: `${'a'.repeat(299)}\\2` },
    { selector: 'a', url: 'http://u:p@a.example/' },
    { after: 'x', regex: '(a+)+$' },
  ])
    assert.match(
      (await runTool(tool, { ...ASKED, ...place })).output,
      /wrong arguments/,
      JSON.stringify(place),
    );
});

test('a page built to be slow is done with all the same', async () => {
  for (const body of ['<div>'.repeat(50_000), `${'<b>'.repeat(43_000)}${'</i>'.repeat(43_000)}`]) {
    const { tool } = captureRig({ body: Buffer.from(body) });
    const result = await runTool(tool, { ...ASKED, selector: 'div > div > div > div > div > div > div > p' });
    assert.match(result.output, /matches 0 elements/);
  }
});

test('introspect shows what is left in dollars and what is granted', async () => {
  const left = (today: number, month: number) => ({
    remainingTodayMicroUsd: today,
    remainingMonthMicroUsd: month,
  });
  const budget = {
    dailyMicroUsd: 5_000_000,
    monthlyMicroUsd: 100_000_000,
    spentTodayMicroUsd: 1,
    spentMonthMicroUsd: 1,
    ...left(4_200_000, 99_000_001),
    requestsPerMinute: 30,
    tokensPerMinute: null,
    team: left(1_000_000, 2_000_000),
    fleet: left(50_000_000, 500_000_000),
  };
  const permissions = {
    can_message: ['b', 'c'],
    can_publish: [],
    allowed_tools: { exec: 'allow' },
    can_spawn: false,
    can_use_browser: true,
  };
  const introspection = { name: 'a', permissions, budget };
  const tool = createIntrospect(fakeMesh({ other: () => ({ body: introspection }) }));
  assert.equal(
    (await runTool(tool, {})).output,
    [
      'You are a. What is left of the budgets:',
      '  you: $4.20 of $5.00 today, $99.000001 of $100.00 this month',
      '  your team: $1.00 today, $2.00 this month',
      '  the whole fleet: $50.00 today, $500.00 this month',
      '  at most 30 model calls a minute',
      'Granted to you:',
      '  can_message: b, c',
      '  allowed_tools: exec (allow)',
      '  can_use_browser: yes',
    ].join('\n'),
  );
});

test('a refusal of the vault is read with its rule', async () => {
  const body = { type: 'error', error: { type: 'openlegion_refusal', ...DENIED } };
  const mesh = fakeMesh({ other: () => ({ status: 403, body }) });
  const page = { status: 200, statusText: '', headers: [], body: Buffer.from(PAGE), cut: null };
  const secret = { name: 'key', hosts: ['a.example'] };
  for (const [tool, input] of [
    [createVaultList(mesh), {}],
    [createVaultStatus(mesh), {}],
    [createIntrospect(mesh), {}],
    [createVaultGenerateSecret(mesh), secret],
    [createVaultCaptureFromPage(mesh, async () => page), { ...ASKED, selector: 'code' }],
  ] as const)
    assert.deepEqual(await runTool(tool, input), {
      outcome: 'refused',
      output: 'Not granted. (permissions.a.allowed_apis) Ask.',
    });
});

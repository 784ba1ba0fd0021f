import assert from 'node:assert/strict';
import { test } from 'node:test';
import { McpServerConfig } from '@openlegion/contract/agents-config';
import { fakeProxy, type OutsideReply, type SeenRequest } from '../testing/fake-proxy.ts';
import { OUTSIDE_CERTIFICATE } from '../testing/outside-certificate.ts';
import { createOpenOutside } from '../tools/send-outside.ts';
import { connectServer } from './connect-server.ts';
import { createOutsideFetch } from './outside-fetch.ts';

const SERVER = McpServerConfig.parse({ name: 'remote', url: 'https://outside.example/mcp' });
const json = (body: unknown, headers: Record<string, string> = {}): OutsideReply => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** What a server answers to a message, unless `special` has something else in mind. */
function answer(
  request: SeenRequest,
  special: (method: string, id: number) => OutsideReply | undefined,
): OutsideReply {
  if (request.method !== 'POST') return { status: 405 };
  const { method, id, params } = JSON.parse(request.body);
  const other = special(method, id);
  if (other) return other;
  const result = (value: unknown) => json({ jsonrpc: '2.0', id, result: value }, { 'mcp-session-id': 's1' });
  switch (method) {
    case 'initialize':
      return result({
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'r', version: '1' },
      });
    case 'tools/list':
      return result({ tools: [{ name: 'find', inputSchema: { type: 'object' } }] });
    case 'tools/call':
      return {
        headers: { 'content-type': 'text/event-stream' },
        body: `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: JSON.stringify(params.arguments) }] } })}\n\n`,
      };
    default:
      return { status: 202 };
  }
}

async function connected(
  special: (method: string, id: number) => OutsideReply | undefined,
  work: (connection: Awaited<ReturnType<typeof connectServer>>) => Promise<void>,
  refusal?: Parameters<typeof fakeProxy>[0]['refusal'],
): Promise<SeenRequest[]> {
  await using proxy = await fakeProxy({
    reply: (request) => answer(request, special),
    ...(refusal ? { refusal } : {}),
  });
  const open = createOpenOutside(proxy.port, () => OUTSIDE_CERTIFICATE);
  const parts = {
    workspace: '/',
    environment: {},
    fetch: createOutsideFetch(open),
    sampling: () => Promise.reject(new Error('not granted')),
    elicitation: () => Promise.reject(new Error('not granted')),
  };
  const connection = await connectServer(SERVER, parts, new AbortController().signal);
  try {
    await work(connection);
  } finally {
    await connection.close();
  }
  return proxy.seen;
}

const never = new AbortController().signal;

test('a server elsewhere is spoken to through the proxy alone, without any login of ours', async () => {
  const seen = await connected(
    () => undefined,
    async (connection) => {
      assert.deepEqual(
        (await connection.list(never)).tools.map(({ name }) => name),
        ['find'],
      );
      assert.deepEqual(await connection.call('find', { a: 1 }, never), { outcome: 'ok', output: '{"a":1}' });
    },
  );
  for (const { connect, headers } of seen) {
    assert.equal(connect, 'outside.example:443');
    assert.equal(headers.authorization, undefined);
  }
  assert.ok(seen.some(({ headers }) => headers['mcp-session-id'] === 's1'));
});

test('a redirect to another origin is not followed, and neither is a login that a server asks for', async () => {
  for (const location of [
    'https://169.254.169.254/latest',
    'https://other.example/mcp',
    'http://outside.example/mcp',
    'file:///etc/passwd',
  ]) {
    const seen = await connected(
      (method) => (method === 'tools/call' ? { status: 307, headers: { location } } : undefined),
      async (connection) => {
        assert.equal((await connection.call('find', {}, never)).outcome, 'error');
      },
    );
    assert.deepEqual([...new Set(seen.map(({ connect }) => connect))], ['outside.example:443'], location);
  }
  const challenge = 'Bearer resource_metadata="https://169.254.169.254/.well-known/oauth-protected-resource"';
  const seen = await connected(
    (method) =>
      method === 'tools/call' ? { status: 401, headers: { 'www-authenticate': challenge } } : undefined,
    async (connection) => {
      assert.equal((await connection.call('find', {}, never)).outcome, 'error');
    },
  );
  assert.equal(
    seen.some(({ target }) => target.includes('.well-known')),
    false,
  );
});

const LARGE = 'x'.repeat(9 * 1024 * 1024);

test('an answer that is too large, or no message, is an error of that call', async () => {
  for (const reply of [
    { headers: { 'content-type': 'application/json' }, body: `{"a":"${LARGE}"}` },
    { headers: { 'content-type': 'application/json' }, body: 'not json' },
    { headers: { 'content-type': 'text/html' }, body: '<p>Hello</p>' },
    { status: 500, body: LARGE },
  ])
    await connected(
      (method) => (method === 'tools/call' ? reply : undefined),
      async (connection) => {
        assert.equal((await connection.call('find', {}, never)).outcome, 'error', reply.body.slice(0, 40));
        assert.equal((await connection.list(never)).tools.length, 1);
      },
    );
});

test('a body breaks off at its bound, and so does a line of events without end; short events may go on', async () => {
  const events = { 'content-type': 'text/event-stream' };
  for (const [reply, whole] of [
    [{ headers: events, body: `data: ${LARGE}` }, false],
    [{ headers: events, body: 'data: x\n\n'.repeat(1_200_000) }, true],
    [{ body: LARGE }, false],
  ] as const) {
    await using proxy = await fakeProxy({ reply: () => reply });
    const fetch = createOutsideFetch(createOpenOutside(proxy.port, () => OUTSIDE_CERTIFICATE));
    const reading = fetch('https://outside.example/mcp').then((response) => response.text());
    if (whole) assert.equal((await reading).length, reply.body.length);
    else await assert.rejects(reading);
    await assert.rejects(fetch('http://outside.example/'), /only https/);
  }
});

test('what the egress refuses is told with its rule', async () => {
  const refused = {
    code: 'denied',
    rule: 'permissions.a.allowed_domains',
    message: 'a may not reach outside.example.',
    remedy: 'openlegion egress allow a outside.example',
  };
  await assert.rejects(
    connected(
      () => undefined,
      async () => {},
      () => ({
        status: 403,
        body: JSON.stringify({ type: 'error', error: { type: 'openlegion_refusal', ...refused } }),
      }),
    ),
    /a may not reach outside\.example/,
  );
});

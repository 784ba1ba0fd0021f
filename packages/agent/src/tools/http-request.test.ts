import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fakeProxy, type OutsideReply } from '../testing/fake-proxy.ts';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createHttpRequest } from './http-request.ts';
import { createOutputFiles } from './output-files.ts';
import { createSendOutside, type SendOutside } from './send-outside.ts';

const URL_OF_TEST = 'https://outside.example/a?b=1';
const DENIED = {
  code: 'denied',
  rule: 'permissions.a.allowed_domains',
  message: 'a may not reach other.example.',
  remedy: 'openlegion egress allow a other.example',
};
const refusal = JSON.stringify({ type: 'error', error: { type: 'openlegion_refusal', ...DENIED } });
const TOLD = `${DENIED.message} (${DENIED.rule}) ${DENIED.remedy} Where you have the tool request_host, you can ask a person for it.`;

function tool(send: SendOutside, directory = '/nowhere') {
  const outputs = createOutputFiles(directory);
  return createHttpRequest({
    send,
    capture: ({ messageId, callId }) => outputs.capture(messageId, callId),
  });
}

test('sends method, headers and body through the proxy, and shows status, headers and body', async () => {
  await using proxy = await fakeProxy({
    reply: () => ({ status: 201, headers: { 'x-of-test': 'yes' }, body: 'made' }),
  });
  const result = await runTool(tool(proxy.send), {
    method: 'POST',
    url: `${URL_OF_TEST}#part`,
    headers: { Authorization: 'Bearer $CRED{shop}', 'content-type': 'application/json' },
    body: '{"a":1}',
  });
  assert.equal(result.outcome, 'ok');
  assert.match(result.output, /^HTTP 201 Created\nx-of-test: yes\n[\s\S]*\n\nmade$/);
  const [seen] = proxy.seen;
  assert.deepEqual(
    [seen?.method, seen?.target, seen?.connect, seen?.body],
    ['POST', '/a?b=1', 'outside.example:443', '{"a":1}'],
  );
  assert.deepEqual(seen?.headers, {
    authorization: 'Bearer $CRED{shop}',
    'content-type': 'application/json',
    host: 'outside.example',
    'content-length': '7',
    connection: 'close',
  });
});

test('plain HTTP goes to the proxy as a whole address, another port as it is', async () => {
  await using proxy = await fakeProxy({ reply: () => ({ body: 'x' }) });
  for (const url of ['http://plain.example:8080/x', 'https://outside.example:8443/y', 'https://192.0.2.7/z'])
    assert.equal((await runTool(tool(proxy.send), { url, method: 'DELETE' })).outcome, 'ok', url);
  assert.deepEqual(
    proxy.seen.map(({ target, connect, headers }) => [target, connect, headers.host]),
    [
      ['http://plain.example:8080/x', null, 'plain.example:8080'],
      ['/y', 'outside.example:8443', 'outside.example:8443'],
      ['/z', '192.0.2.7:443', '192.0.2.7'],
    ],
  );
});

test('a refusal is read with its rule, its remedy and whom a model can ask, of the connection and of a request in it', async () => {
  await using proxy = await fakeProxy({
    reply: () => ({ status: 403, headers: { 'content-type': 'application/json' }, body: refusal }),
    refusal: (place) => (place.startsWith('other') ? { status: 403, body: refusal } : undefined),
  });
  for (const url of ['https://other.example/', URL_OF_TEST, 'http://plain.example/'])
    assert.deepEqual(await runTool(tool(proxy.send), { url }), { outcome: 'refused', output: TOLD });
  assert.equal(proxy.seen.length, 2);
});

test('a proxy that refuses without saying why, without an end, or is not there', async () => {
  const refusals: Record<string, { status: number; body: string; end?: 'never' }> = {
    'mute.example:443': { status: 403, body: '<html>' },
    'endless.example:443': { status: 403, body: 'x'.repeat(200_000), end: 'never' },
    'silent.example:443': { status: 503, body: '', end: 'never' },
  };
  await using proxy = await fakeProxy({ reply: () => ({}), refusal: (place) => refusals[place] });
  for (const host of ['mute', 'endless'])
    await assert.rejects(
      runTool(tool(proxy.send), { url: `https://${host}.example/` }),
      /proxy answered 403/,
    );
  assert.deepEqual(await runTool(tool(proxy.send), { url: 'https://silent.example/', timeout_s: 1 }), {
    outcome: 'error',
    output: 'no answer within 1 s',
  });
  const { port } = proxy;
  await proxy[Symbol.asyncDispose]();
  const alone = createSendOutside(port, () => '');
  for (const url of [URL_OF_TEST, 'http://plain.example/'])
    await assert.rejects(runTool(tool(alone), { url }), /ECONNREFUSED/);
});

test('redirects are not followed but told; errors of the far side are its own answers', async () => {
  const replies: OutsideReply[] = [
    { status: 302, headers: { location: 'https://other.example/b' } },
    { status: 404, body: '{"error":"none"}' },
  ];
  await using proxy = await fakeProxy({ reply: () => replies.shift() ?? {} });
  const moved = await runTool(tool(proxy.send), { url: URL_OF_TEST });
  assert.match(moved.output, /^HTTP 302 Found[\s\S]*not followed: request https:\/\/other\.example\/b /);
  const missing = await runTool(tool(proxy.send), { url: URL_OF_TEST });
  assert.equal(missing.outcome, 'error');
  assert.match(missing.output, /HTTP 404 Not Found[\s\S]*\{"error":"none"\}$/);
  assert.equal(proxy.seen.length, 2);
});

test('a far side that is not who it should be is not spoken to', async () => {
  await using proxy = await fakeProxy({ reply: () => ({ body: 'x' }) });
  await assert.rejects(
    runTool(tool(proxy.send), { url: 'https://another.example/', headers: { authorization: '$CRED{a}' } }),
    /does not match certificate/,
  );
  const untrusting = createSendOutside(proxy.port, () => '');
  await assert.rejects(runTool(tool(untrusting), { url: URL_OF_TEST }), /self-signed/);
  assert.equal(proxy.seen.length, 0);
});

test('no answer in time, one that ends too soon, and a cancel', async () => {
  let end: OutsideReply['end'] = 'never';
  await using proxy = await fakeProxy({ reply: () => ({ body: 'begun', ...(end ? { end } : {}) }) });
  const late = await runTool(tool(proxy.send), { url: URL_OF_TEST, timeout_s: 1 });
  assert.equal(late.outcome, 'error');
  assert.match(late.output, /begun\n\[the answer broke off after 1 s\]$/);
  end = 'broken';
  const broken = await runTool(tool(proxy.send), { url: URL_OF_TEST });
  assert.equal(broken.outcome, 'error');
  assert.match(broken.output, /begun\n\[the answer broke off\]$/);
  const controller = new AbortController();
  controller.abort(new Error('cancelled'));
  await assert.rejects(runTool(tool(proxy.send), { url: URL_OF_TEST }, controller.signal), /cancelled/);
});

test('shows the start and the end of a long answer, keeps the whole, and reads to a bound', async () => {
  using directory = temporaryDirectory();
  let body = Buffer.alloc(100_000, 'ab');
  await using proxy = await fakeProxy({ reply: () => ({ body }) });
  const long = await runTool(tool(proxy.send, directory.path), { url: URL_OF_TEST });
  assert.ok(long.output.length < 30_500);
  const kept = /the whole is in (\S+)\]/.exec(long.output)?.[1] ?? '';
  assert.ok(readFileSync(kept, 'utf8').endsWith(body.toString()));
  body = Buffer.alloc(8 * 1024 * 1024 + 1, 'c');
  const endless = await runTool(tool(proxy.send, directory.path), { url: URL_OF_TEST });
  assert.match(endless.output, /\[read no further than 8 MiB\]$/);
});

test('refuses what is no request of the outside', async () => {
  const never = tool(() => assert.fail('sent'));
  for (const input of [
    {},
    { url: 'ftp://a.example/' },
    { url: 'file:///etc/passwd' },
    { url: 'https://user:word@a.example/' },
    { url: 'https://' },
    { url: `https://a.example/${'x'.repeat(8192)}` },
    { url: URL_OF_TEST, method: 'CONNECT' },
    { url: URL_OF_TEST, headers: { Host: 'b.example' } },
    { url: URL_OF_TEST, headers: { 'Transfer-Encoding': 'chunked' } },
    { url: URL_OF_TEST, headers: { 'proxy-authorization': 'x' } },
    { url: URL_OF_TEST, headers: { 'a b': 'x' } },
    { url: URL_OF_TEST, headers: { a: 'x\r\nb: y' } },
    { url: URL_OF_TEST, headers: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`h${i}`, 'x'])) },
    { url: URL_OF_TEST, body: 'x'.repeat(1024 * 1024 + 1) },
    { url: URL_OF_TEST, timeout_s: 121 },
    { url: URL_OF_TEST, follow: true },
  ])
    assert.match((await runTool(never, input)).output, /wrong arguments/, JSON.stringify(input).slice(0, 80));
});

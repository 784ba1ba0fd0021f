import assert from 'node:assert/strict';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { serveBrowserViewer } from './browser-viewer-server.ts';

async function viewer() {
  const inputs: unknown[] = [];
  let count = 0;
  const served = await serveBrowserViewer({
    agent: '</script><script>alert(1)</script>',
    frames: async () => Readable.from(['{"frame":1}\n']),
    input: async (given) => void inputs.push(given),
    secret: () => `secret-${count++}`,
  });
  const url = new URL(served.url);
  const ask = (path: string, headers: Record<string, string> = {}, body?: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request({ host: '127.0.0.1', port: url.port, path, method, headers }, (response) => {
        text(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return { served, url, ask, inputs, [Symbol.asyncDispose]: () => served.close() };
}
const SESSION = { authorization: 'Bearer secret-1' };

test('the address opens once; then only its page may ask', async () => {
  await using rig = await viewer();
  const path = rig.url.pathname + rig.url.search;
  assert.equal((await rig.ask('/?ticket=other')).status, 403);
  assert.equal((await rig.ask('/')).status, 403);
  const page = await rig.ask(path);
  assert.equal(page.status, 200);
  assert.ok(!page.text.includes('</script><script>'));
  assert.equal((await rig.ask(path)).status, 403);
  for (const given of [{}, { authorization: 'Bearer secret-0' }, { cookie: 'session=secret-1' }])
    assert.equal((await rig.ask('/frames', given)).status, 403);
  assert.deepEqual(await rig.ask('/frames', SESSION), { status: 200, text: '{"frame":1}\n' });
});

test('other pages, and other names of this machine, are refused even with the secret', async () => {
  await using rig = await viewer();
  const path = rig.url.pathname + rig.url.search;
  for (const headers of [
    { origin: 'https://evil.test' },
    { 'sec-fetch-site': 'cross-site' },
    { host: `evil.test:${rig.url.port}` },
    { host: `localhost:${rig.url.port}` },
  ]) {
    assert.equal((await rig.ask('/frames', { ...SESSION, ...headers })).status, 403);
    assert.equal((await rig.ask(path, headers)).status, 403);
  }
  assert.equal((await rig.ask(path)).status, 200);
});

test('input is held to the contract', async () => {
  await using rig = await viewer();
  const send = async (body: string) => (await rig.ask('/input', SESSION, body)).status;
  const events = [{ type: 'mouse', event: 'down', x: 1, y: 2, button: 'left' }];
  assert.equal(await send(JSON.stringify({ events })), 204);
  assert.deepEqual(rig.inputs, [{ events }]);
  for (const bad of [
    '',
    '{}',
    '{"events":[{"type":"navigate","url":"file:///etc/passwd"}]}',
    'x'.repeat(300_000),
  ])
    assert.equal(await send(bad), 400);
  assert.equal(rig.inputs.length, 1);
});

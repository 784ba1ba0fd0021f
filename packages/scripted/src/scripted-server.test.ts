import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createScriptedServer } from './scripted-server.ts';

const parent = mkdtempSync(join(tmpdir(), 'scripted-server-'));
const directory = join(parent, 'scripts');
mkdirSync(directory);
writeFileSync(join(parent, 'outside.yaml'), 'otherwise: { text: escaped }');
const save = (name: string, text: string) => writeFileSync(join(directory, `${name}.yaml`), text);
save('starter', 'otherwise: { text: hi }');
save('other', 'otherwise: { text: "{{user}}" }');

const server = createScriptedServer({ scriptsDirectory: directory, now: () => 1_000_000 });
let origin = '';
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(parent, { recursive: true });
});

async function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(origin + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}
const ask = (model: string, text = 'hello') =>
  post('/v1/chat/completions', { model, messages: [{ role: 'user', content: text }] });

test('plays a script under its own and its full name', async () => {
  assert.match((await ask('starter')).text, /"content":"hi"/);
  assert.match((await ask('scripted/starter')).text, /"content":"hi"/);
});

test('the same request gets the same answer, to the byte', async () => {
  assert.deepEqual(await ask('other'), await ask('other'));
});

test('a name cannot leave the directory', async () => {
  for (const name of [
    '../outside',
    'scripted/../outside',
    '..%2Foutside',
    '/etc/passwd',
    'starter.yaml',
    'a\0b',
    '',
    '.',
  ]) {
    const { status, text } = await ask(name);
    assert.equal(status, 404, name);
    assert.match(text, /there are: other, starter\./);
  }
  const google = await post('/v1beta/models/..%2Foutside:generateContent', {
    contents: [{ parts: [{ text: 'x' }] }],
  });
  assert.equal(google.status, 404);
  assert.match(google.text, /"status":"NOT_FOUND"/);
});

test('an edit is played at once; a broken one is said, and the script from before is not played', async () => {
  save('edited', 'otherwise: { text: first }');
  assert.match((await ask('edited')).text, /first/);
  save('edited', 'otherwise: { text: second }');
  assert.match((await ask('edited')).text, /second/);
  save('edited', 'otherwise:\n  txt: third\n');
  const broken = await ask('edited');
  assert.equal(broken.status, 400);
  assert.match(broken.text, /edited\.yaml:2:3: otherwise: there is no setting \\"txt\\"/);
  rmSync(join(directory, 'edited.yaml'));
  assert.equal((await ask('edited')).status, 404);
});

test('what is not a request is refused in the dialect it came in', async () => {
  const cases: [string, unknown, number, RegExp][] = [
    ['/v1/chat/completions', '{', 400, /"error":\{"message":"The body is not JSON/],
    ['/v1/chat/completions', { model: 'starter', messages: [] }, 400, /messages/],
    ['/v1/chat/completions', { model: 1, messages: [{ role: 'user', content: 'x' }] }, 400, /model/],
    ['/v1/responses', { model: 'starter' }, 400, /input/],
    [
      '/v1/messages',
      { model: 'starter', messages: [{ role: 'user', content: 'x' }] },
      400,
      /^\{"type":"error".*max_tokens/,
    ],
    ['/v1beta/models/starter:generateContent', {}, 400, /"status":"INVALID_ARGUMENT"/],
    ['/v1/embeddings', { model: 'x' }, 400, /input/],
    ['/v1/files', {}, 404, /does not know POST \/v1\/files/],
    ['/v1beta/cachedContents', {}, 404, /"status":"NOT_FOUND"/],
  ];
  for (const [path, body, status, text] of cases) {
    const answer = await post(path, body);
    assert.equal(answer.status, status, path);
    assert.match(answer.text, text, path);
  }
});

test('a message cannot make an answer grow without bound', async () => {
  save('grow', `otherwise: { text: "${'{{user}}'.repeat(200)}" }`);
  const { status, text } = await ask('grow', 'x'.repeat(100_000));
  assert.equal(status, 400);
  assert.match(text, /otherwise puts over/);
});

test('lists its scripts as models in three shapes', async () => {
  const list = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(origin + path, { headers })).text();
  assert.match(await list('/v1/models'), /"object":"list".*"id":"starter"/);
  assert.match(
    await list('/v1/models', { 'anthropic-version': '2023-06-01' }),
    /"type":"model".*"has_more":false/,
  );
  assert.match(await list('/v1beta/models'), /"name":"models\/starter"/);
});

test('a caller that goes away during a delay is let go', async () => {
  save('slow', 'otherwise: { text: late, delay_ms: 60000 }');
  const gone = new AbortController();
  const answer = fetch(`${origin}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'slow', messages: [{ role: 'user', content: 'x' }] }),
    signal: gone.signal,
  });
  const [request] = await once(server, 'request');
  const closed = once(request.socket, 'close');
  gone.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  await closed;
  assert.equal((await ask('starter')).status, 200);
});

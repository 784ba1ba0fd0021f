import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { credential, SECRET } from './test/fake-egress-keeper.ts';
import { startEgress, startUpstream } from './test/start-egress.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const everyByte = (text: string, form: (hex: string) => string): string =>
  [...Buffer.from(text)].map((byte) => form(byte.toString(16).padStart(2, '0'))).join('');

/** Every form, made another way than the gateway makes it. */
const DISGUISES: Record<string, (secret: string) => string> = {
  raw: (secret) => secret,
  bearer: (secret) => `Bearer ${secret}`,
  'base64, first alignment': (secret) => base64(secret),
  'base64, second alignment': (secret) => base64(`x${secret}y`),
  'base64, third alignment': (secret) => base64(`xy${secret}zz`),
  basic: (secret) => base64(`x-access-token:${secret}`),
  base64url: (secret) => Buffer.from(`ab${secret}`).toString('base64url'),
  'percent-encoded': (secret) => encodeURIComponent(secret),
  'percent-encoded, strictly': (secret) =>
    encodeURIComponent(secret).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`),
  'percent-encoded, lower case': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  'percent-encoded, every byte': (secret) => everyByte(secret, (hex) => `%${hex.toUpperCase()}`),
  'JSON string': (secret) => JSON.stringify({ token: secret }),
  'JSON string, slashes escaped': (secret) => JSON.stringify({ token: secret }).replaceAll('/', '\\/'),
  'JSON string, HTML-safe': (secret) =>
    JSON.stringify(secret).replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`),
  hex: (secret) => everyByte(secret, (hex) => hex),
  HEX: (secret) => everyByte(secret, (hex) => hex.toUpperCase()),
  HTML: (secret) => secret.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;'),
};
/** One with everything that is escaped somewhere, one as most services make them, one that repeats itself. */
const SECRETS = [SECRET, 'sk-proj_A1b2C3d4E5f6G7h8', 'aaaaaaaa/aaab&aaa'];
const core = (variant: string): string =>
  variant.replace(/^(?:Bearer |\{"token":"|")|"\}?$/g, '').slice(4, -4);

interface Seen {
  status: number;
  text: string;
  all: string;
}

async function setUp() {
  let answer: (response: ServerResponse) => void = () => {};
  let got: string | undefined;
  const upstream = await startUpstream((message, response) => {
    got = message.headers.authorization;
    answer(response);
  });
  const at = await startEgress({ pins: { 'up.test': upstream.port } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = (_, callback) => {
    at.tunnel('up.test:443').then(
      (socket) => callback?.(null, socket),
      () => {},
    );
    return undefined;
  };
  return {
    at,
    async ask(secret: string, reflect: (response: ServerResponse) => void, method = 'GET'): Promise<Seen> {
      at.fake.credentials.set('up.test', credential({ secret }));
      answer = reflect;
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      request({ agent, method, path: '/echo', headers: { host: 'up.test', 'accept-encoding': 'gzip' } })
        .on('response', resolve)
        .on('error', reject)
        .end();
      const message = await promise;
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk);
      assert.equal(got, `Bearer ${secret}`, 'the secret was not sent, so nothing was tried');
      const text = Buffer.concat(chunks).toString('latin1');
      const heads = [message.statusMessage, ...message.rawHeaders, ...message.rawTrailers].join('\n');
      return { status: message.statusCode ?? 0, text, all: `${heads}\n${text}` };
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await at[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function assertClean(secret: string, all: string, what: string): void {
  for (const disguise of Object.values(DISGUISES))
    assert.ok(!all.includes(core(disguise(secret))), `${what}: ${all.slice(-2000)}`);
}

/** Lets what was written leave before more is. */
const flushed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('no answer repeats the secret: body, header, trailer, reason and error, whole and in pieces', async () => {
  await using tried = await setUp();
  const places: Record<string, (response: ServerResponse, text: string) => void> = {
    body: (response, text) => {
      response.setHeader('content-length', Buffer.byteLength(text));
      response.end(text);
    },
    chunked: (response, text) => {
      response.write('<');
      response.end(text);
    },
    header: (response, text) => response.setHeader('x-echo', `a ${text}; b`).end('ok'),
    cookie: (response, text) => response.setHeader('set-cookie', [`s=${text}`, 'a=b']).end('ok'),
    location: (response, text) => response.writeHead(302, { location: `https://evil.test/?t=${text}` }).end(),
    trailer: (response, text) => {
      response.setHeader('trailer', 'x-echo');
      response.write('body');
      response.addTrailers({ 'x-echo': text });
      response.end();
    },
    reason: (response, text) => response.writeHead(401, `no ${text}`).end(),
    error: (response, text) =>
      response.writeHead(500, { 'content-type': 'application/json' }).end(`{"e":${text}`),
    challenge: (response, text) =>
      response.writeHead(401, { 'www-authenticate': `Basic realm="${text}"` }).end(),
    end: (response, text) => {
      response.write('y'.repeat(70_000));
      response.end(text.slice(0, 8) + text);
    },
    twice: (response, text) => response.end(text + text + text),
  };
  let cases = 0;
  for (const secret of SECRETS)
    for (const [name, disguise] of Object.entries(DISGUISES))
      for (const [place, put] of Object.entries(places)) {
        const seen = await tried.ask(secret, (response) => put(response, disguise(secret)));
        assertClean(secret, seen.all, `${name} in ${place}`);
        cases += 1;
      }
  assert.ok(cases > 500, `${cases}`);
});

test('no answer repeats the secret wherever its body is cut', async () => {
  await using tried = await setUp();
  let cases = 0;
  for (const secret of SECRETS)
    for (const [name, disguise] of Object.entries(DISGUISES)) {
      const text = `before ${disguise(secret)} after`;
      for (let cut = 6; cut < text.length - 5; cut += 1) {
        const seen = await tried.ask(secret, async (response) => {
          if (cut % 2 === 0) response.setHeader('content-length', text.length);
          response.write(text.slice(0, cut));
          await flushed();
          response.end(text.slice(cut));
        });
        assertClean(secret, seen.text, `${name}, cut at ${cut}`);
        assert.match(seen.text, /^before .* after$/);
        assert.equal(seen.text.length, text.length);
        cases += 1;
      }
      const bytewise = await tried.ask(secret, async (response) => {
        for (const character of text) {
          response.write(character);
          await flushed();
        }
        response.end();
      });
      assertClean(secret, bytewise.text, `${name}, a byte at a time`);
    }
  assert.ok(cases > 1500, `${cases}`);
});

test('an answer that is compressed although it was asked not to be is refused where a secret was sent', async () => {
  await using tried = await setUp();
  for (const encoding of ['gzip', 'br', 'zstd', 'deflate', 'identity, gzip', 'x-unknown']) {
    const seen = await tried.ask(SECRET, (response) =>
      response.setHeader('content-encoding', encoding).end(SECRET),
    );
    assert.equal(seen.status, 502, encoding);
    assert.match(seen.text, /egress\.encoding/);
    assertClean(SECRET, seen.all, encoding);
  }
  const plain = await tried.ask(SECRET, (response) =>
    response.setHeader('content-encoding', 'identity').end('plain'),
  );
  assert.equal(plain.text, 'plain');
  const head = await tried.ask(SECRET, (response) => response.setHeader('content-length', '5').end(), 'HEAD');
  assert.equal(head.status, 200);
});

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { leafCertificate } from '../../certificate/issue-certificate.ts';
import { credential, PLACEHOLDER, SECRET } from './test/fake-egress-keeper.ts';
import { certify, exchange, startEgress, startUpstream } from './test/start-egress.ts';

const DAY_MS = 86_400_000;
const GET = 'GET /x HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n';

test('an upstream that cannot prove its name gets nothing: 502', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = { agent: 'evil', key: privateKey };
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const agents = await startEgress();
  const authorityPem = agents.fake.authorities.get('researcher') ?? '';
  const authority = {
    agent: 'researcher',
    key: (await import('node:crypto')).createPrivateKey(authorityPem),
  };
  await agents[Symbol.asyncDispose]();
  const certificates = {
    'self-signed': { key, cert: leafCertificate(own, 'up.test', publicKey, Date.now()) },
    expired: certify('up.test', Date.now() - 3 * DAY_MS),
    'not yet valid': certify('up.test', Date.now() + 3 * DAY_MS),
    'of another name': certify('other.test'),
    'of a name below': certify('sub.up.test'),
    'of an address': certify('127.0.0.1'),
    "of the agent's own authority": {
      key,
      cert: leafCertificate(authority, 'up.test', publicKey, Date.now()),
    },
  };
  for (const [what, tls] of Object.entries(certificates)) {
    let requests = 0;
    await using upstream = await startUpstream((_message, response) => {
      requests += 1;
      response.end();
    }, tls);
    let bytes = '';
    upstream.server.on('connection', (socket: Socket) =>
      socket.on('data', (chunk) => (bytes += chunk.toString('latin1'))),
    );
    await using at = await startEgress({ pins: { 'up.test': upstream.port }, fake: agents.fake });
    at.fake.credentials.set('up.test', credential());
    const heard = await exchange(await at.tunnel('up.test:443'), GET);
    assert.match(heard, /^HTTP\/1\.1 502 [\s\S]*egress\.tls/, what);
    assert.equal(requests, 0);
    assert.ok(!bytes.includes(SECRET));
    assert.equal(at.fake.done[0]?.httpStatus, 0);
  }
});

test('an upstream without TLS, or that is not there, is answered 502', async () => {
  await using plain = await startUpstream((_message, response) => response.end('hello'), null);
  await using at = await startEgress({ pins: { 'up.test': plain.port } });
  at.fake.credentials.set('up.test', credential());
  assert.match(await exchange(await at.tunnel('up.test:443'), GET), /^HTTP\/1\.1 502 /);
  plain.server.close();
  assert.match(await exchange(await at.tunnel('up.test:443'), GET), /^HTTP\/1\.1 502 /);
  assert.deepEqual(at.faults, []);
});

test('an upstream that does not speak HTTP is answered 502', async () => {
  const replies = [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(80_000)}\r\n\r\n`,
    'SSH-2.0-OpenSSH_9\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: evil\r\n\r\n',
    '',
  ];
  for (const reply of replies) {
    await using upstream = await startUpstream(() => {});
    upstream.server.removeAllListeners('request');
    upstream.server.on('request', (message) => message.socket.end(reply));
    await using at = await startEgress({ pins: { 'up.test': upstream.port } });
    at.fake.credentials.set('up.test', credential());
    assert.match(
      await exchange(await at.tunnel('up.test:443'), GET),
      /^HTTP\/1\.1 502 /,
      JSON.stringify(reply.slice(0, 60)),
    );
    assert.deepEqual(at.faults, []);
  }
});

test('a body that is asked for is sent only once the request was admitted', async () => {
  let got = '';
  await using upstream = await startUpstream((message, response) => {
    assert.equal(message.headers.expect, undefined);
    message.on('data', (chunk) => {
      got += chunk;
    });
    message.on('end', () => response.end('thanks'));
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  const ask = 'POST /x HTTP/1.1\r\nHost: up.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n';
  const tunnel = await at.tunnel('up.test:443');
  assert.match(await exchange(tunnel, ask, /100 Continue\r\n\r\n/), /^HTTP\/1\.1 100 /);
  assert.match(await exchange(tunnel, 'body', /thanks/), /200 OK/);
  assert.equal(got, 'body');
  at.fake.hosts.clear();
  const heard = await exchange(tunnel, ask, /remedy/);
  assert.match(heard, /^HTTP\/1\.1 403 /);
  assert.doesNotMatch(heard, /100 Continue/);
});

test('large bodies stream both ways', async () => {
  const size = 24 * 1024 * 1024;
  const sent = createHash('sha256');
  await using upstream = await startUpstream((message, response) => {
    response.writeHead(200, { 'content-length': size });
    message.pipe(response);
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  const tunnel = await at.tunnel('up.test:443');
  const got = createHash('sha256');
  const { promise, resolve } = Promise.withResolvers<number>();
  const asked = request(
    { createConnection: () => tunnel, method: 'PUT', headers: { host: 'up.test', 'content-length': size } },
    async (response) => {
      let length = 0;
      for await (const chunk of response) {
        length += chunk.length;
        got.update(chunk);
      }
      resolve(length);
    },
  );
  for (let at = 0; at < size; at += 65_536) {
    const piece = Buffer.alloc(65_536, `${at}-ghp_9Zq+-olp_`);
    sent.update(piece);
    if (!asked.write(piece)) await once(asked, 'drain');
  }
  asked.end();
  assert.equal(await promise, size);
  assert.equal(got.digest('hex'), sent.digest('hex'));
  assert.deepEqual([at.fake.done[0]?.bytesUp, at.fake.done[0]?.bytesDown], [size, size]);
});

test('a WebSocket passes after policy, with the credential in its handshake and without the secret in what comes back', async () => {
  await using upstream = await startUpstream((_message, response) => response.writeHead(426).end('upgrade'));
  let bytes = '';
  upstream.server.on('upgrade', (message, socket, head) => {
    assert.equal(message.headers.authorization, `Bearer ${SECRET}`);
    assert.equal(message.headers['sec-websocket-key'], 'dGhlIHNhbXBsZSBub25jZQ==');
    // Compressed frames could not be searched.
    assert.equal(message.headers['sec-websocket-extensions'], undefined);
    socket.write(
      `HTTP/1.1 101 Switching ${SECRET}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nX-Echo: ${SECRET}\r\n\r\nfirst ${SECRET} `,
    );
    bytes += head;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk;
      socket.write(`echo ${chunk} ${SECRET};`);
    });
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  const handshake =
    'GET /socket HTTP/1.1\r\nHost: up.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const tunnel = await at.tunnel('up.test:443');
  const opened = await exchange(tunnel, handshake, /first .{29} $/s);
  assert.match(opened, /^HTTP\/1\.1 101 Switching \*{29}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(opened, /X-Echo: \*{29}\r\n\r\nfirst \*{29} $/);
  assert.equal(await exchange(tunnel, 'ping', /;/), `echo ping ${'*'.repeat(29)};`);
  assert.equal(bytes, 'ping');
  tunnel.destroy();
  while (at.fake.done.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    at.fake.done.find(({ requestId }) => requestId === 'e2'),
    { requestId: 'e2', httpStatus: 101, bytesUp: 4, bytesDown: 76 },
  );
  at.fake.hosts.clear();
  at.fake.hosts.add('up.test:0');
  const refused = await exchange(await at.open(), `CONNECT up.test:443 HTTP/1.1\r\n\r\n`);
  assert.match(refused, /^HTTP\/1\.1 403 /);
});

test('a refused WebSocket is answered as any request', async () => {
  await using upstream = await startUpstream((_message, response) =>
    response.writeHead(426).end('no'.repeat(40_000)),
  );
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  const handshake = (path: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: up.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const heard = await exchange(await at.tunnel('up.test:443'), handshake('/x'));
  assert.match(heard, /^HTTP\/1\.1 426 /);
  assert.ok(heard.length > 80_000);
  assert.match(
    await exchange(await at.tunnel('up.test:443'), handshake(`/?${PLACEHOLDER}`)),
    /^HTTP\/1\.1 403 /,
  );
});

test('a service is reached by its name alone, with its credential, by TLS', async () => {
  await using upstream = await startUpstream((message, response) => {
    response.setHeader(
      'x-seen',
      JSON.stringify([message.url, message.headers.host, message.headers.authorization]),
    );
    message.pipe(response);
  }, certify('demo.test'));
  await using at = await startEgress({ pins: { 'demo.test': upstream.port } });
  at.fake.hosts.add('demo.test');
  at.fake.credentials.set('demo.test', credential());
  const server = createServer((message, response) => {
    at.egress.service(message, response, { agent: 'researcher', traceId: 't' }).catch((error) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(error.code === 'denied' ? 403 : 400).end(error.rule);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await fetch(`${base}/services/demo/v1/items?a=1`, { method: 'POST', body: 'hello' });
  assert.equal(await answer.text(), 'hello');
  // As JSON it is one character longer.
  assert.equal(answer.headers.get('x-seen'), `["/v1/items?a=1","demo.test","Bearer ${'*'.repeat(30)}"]`);
  const [asked] = at.fake.asked;
  assert.deepEqual(
    [asked?.kind, asked?.host, asked?.service, asked?.path],
    ['service', '', 'demo', '/v1/items?a=1'],
  );
  for (const path of [
    '/services/other/x',
    '/services/Demo/x',
    '/services//x',
    `/services/demo/${PLACEHOLDER}`,
  ])
    assert.ok([400, 403].includes((await fetch(base + path)).status), path);
  server.closeAllConnections();
  server.close();
});

test('a tunnel in which nothing is asked leaves no connection to its upstream', async () => {
  let requests = 0;
  await using upstream = await startUpstream((_message, response) => {
    requests += 1;
    response.end();
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  const goneOf = async (): Promise<void> => {
    const [socket]: Socket[] = await once(upstream.server, 'connection');
    if (socket && !socket.destroyed) await once(socket.resume(), 'close');
  };
  const gone = goneOf();
  (await at.tunnel('up.test:443')).destroy();
  await gone;
  const goneToo = goneOf();
  const plain = 'CONNECT up.test:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: evil\r\n\r\n';
  assert.match(await exchange(await at.open(), plain, /HTTP\/1\.1 421/), /421/);
  await goneToo;
  assert.equal(requests, 0);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { credential, SECRET } from './test/fake-egress-keeper.ts';
import { lastOf, startSeenUpstream, statusesOf } from './test/seen-upstream.ts';
import { exchange, startEgress, startUpstream } from './test/start-egress.ts';

test('a message that two parsers could end in two places is answered 400 and closed, and goes nowhere', async () => {
  await using tried = await startSeenUpstream();
  const head = 'POST /a HTTP/1.1\r\nHost: up.test\r\n';
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: up.test\r\n\r\n';
  const cases = [
    `${head}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef${smuggled}`,
    `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length: 5, 5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length: +5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length: 0x5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length: -5\r\n\r\n${smuggled}`,
    `${head}Content-Length : 5\r\n\r\nabcde${smuggled}`,
    `${head} Content-Length: 5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length: 5 5\r\n\r\nabcde${smuggled}`,
    `${head}Content-Length:\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n${smuggled}`,
    `${head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n${smuggled}`,
    `${head}X-A: b\r\n folded\r\nContent-Length: 0\r\n\r\n${smuggled}`,
    `${head}X-A: b\0c\r\n\r\n${smuggled}`,
    `${head}X-A: b\rContent-Length: 5\r\n\r\n${smuggled}`,
    `${head}X A: b\r\n\r\n${smuggled}`,
    `${head}: b\r\n\r\n${smuggled}`,
    `${head}Host: up.test\r\n\r\n${smuggled}`,
    `${head}Host: other.test\r\n\r\n${smuggled}`,
    `POST /a HTTP/1.1\nHost: up.test\n\n${smuggled}`,
    `POST /a HTTP/1.1\r\n\r\n${smuggled}`,
    `POST /a\r\n\r\n${smuggled}`,
    `POST /a HTTP/9.9\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST /a b HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST /a\0b HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST /a\x80 HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST /a#b HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `post /a HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST http://up.test/a HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `POST \\a HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `OPTIONS * HTTP/1.1\r\nHost: up.test\r\n\r\n${smuggled}`,
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    `${head}X: ${'y'.repeat(40_000)}\r\n\r\n`,
    `GET /${'y'.repeat(9000)} HTTP/1.1\r\nHost: up.test\r\n\r\n`,
    '\x16\x03\x01',
  ];
  for (const text of cases) {
    const tunnel = await tried.at.tunnel('up.test:443');
    const heard = await exchange(tunnel, `${text}\r\n\r\n`);
    const shown = JSON.stringify(text.slice(0, 150));
    assert.match(heard, /^HTTP\/1\.1 4\d\d /, shown);
    assert.equal(statusesOf(heard).length, 1, shown);
  }
  // A body cut within its chunks reached nobody whole.
  assert.deepEqual(
    tried.seen.map(({ head }) => head.url),
    [],
  );
});

test('requests sent together are each decided and each answered once', async () => {
  await using tried = await startSeenUpstream();
  const tunnel = await tried.at.tunnel('up.test:443');
  const one =
    'POST /one HTTP/1.1\r\nHost: up.test\r\nContent-Length: 46\r\n\r\nGET /in-the-body HTTP/1.1\r\nHost: up.test\r\n\r\nxx';
  const two = 'GET /two HTTP/1.1\r\nHost: up.test\r\n\r\n';
  const three = 'GET /three HTTP/1.1\r\nHost: evil.test\r\n\r\n';
  const heard = await exchange(tunnel, one + two + three);
  assert.deepEqual(statusesOf(heard), ['200', '200', '421']);
  assert.deepEqual(tried.seen.map(({ head }) => head.url).sort(), ['/one', '/two']);
  assert.deepEqual(
    tried.at.fake.asked.map(({ path }) => path),
    ['', '/one', '/two'],
  );
});

test('requests sent together at the start of a tunnel do not share the connection that was made ready for it', async () => {
  await using tried = await startSeenUpstream();
  const two = ['/one', '/two'].map((path) => `GET ${path} HTTP/1.1\r\nHost: up.test\r\n\r\n`).join('');
  for (let round = 0; round < 5; round += 1) {
    const tunnel = await tried.at.tunnel('up.test:443');
    const heard = await exchange(tunnel, two, /seen \/two/);
    assert.deepEqual(heard.match(/seen \S+/g), ['seen /one', 'seen /two']);
    tunnel.destroy();
  }
  assert.deepEqual(tried.at.faults, []);
});

test('a change of protocol behind a request that is not answered yet ends its own connection, and nothing else', async () => {
  await using tried = await startSeenUpstream();
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: up.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
  const inTunnel = `GET /first HTTP/1.1\r\nHost: up.test\r\n\r\n${upgrade}`;
  assert.equal(await exchange(await tried.at.tunnel('up.test:443'), inTunnel), '');
  for (const second of [
    upgrade.replace('/ws', 'http://up.test/ws'),
    'CONNECT up.test:443 HTTP/1.1\r\n\r\n',
  ]) {
    const plain = `GET http://up.test/first HTTP/1.1\r\nHost: up.test\r\n\r\n${second}`;
    assert.equal(await exchange(await tried.at.open(), plain), '');
  }
  const next = 'GET /next HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n';
  assert.match(await exchange(await tried.at.tunnel('up.test:443'), next), /seen \/next/);
});

test('the TLS name, the Host header and the host of the tunnel are one and the same', async () => {
  await using tried = await startSeenUpstream();
  const ask = (host: string): string => `GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  for (const servername of ['other.test', 'sub.up.test', 'up.test.evil.test', null]) {
    const heard = await exchange(await tried.at.tunnel('up.test:443', { servername }), ask('up.test'));
    assert.deepEqual(statusesOf(heard), ['421'], String(servername));
  }
  const hosts = [
    'other.test',
    'up.test.evil.test',
    'evil.up.test',
    'up.test:8443',
    'up.test:80',
    'a@up.test',
    '',
    'up.test,x',
  ];
  for (const host of hosts) {
    const heard = await exchange(await tried.at.tunnel('up.test:443'), ask(host));
    assert.deepEqual(statusesOf(heard), ['421'], host);
  }
  assert.equal(tried.seen.length, 0);
  for (const host of ['up.test', 'UP.TEST', 'up.test.', 'up.test:443']) {
    const heard = await exchange(await tried.at.tunnel('up.test:443', { servername: 'UP.test' }), ask(host));
    assert.deepEqual(statusesOf(heard), ['200'], host);
  }
  assert.deepEqual(new Set(tried.seen.map(({ head }) => head.headers.host)), new Set(['up.test']));
});

test('a kept-alive connection to an allowed host does not carry a request to another', async () => {
  await using tried = await startSeenUpstream();
  tried.at.fake.hosts.add('other.test');
  const tunnel = await tried.at.tunnel('up.test:443');
  await exchange(tunnel, 'GET /first HTTP/1.1\r\nHost: up.test\r\n\r\n', /seen \/first/);
  const heard = await exchange(tunnel, 'GET /second HTTP/1.1\r\nHost: other.test\r\n\r\n');
  assert.deepEqual(statusesOf(heard), ['421']);
  assert.equal(tried.seen.length, 1);
});

test('what is no host of the policy is no host: suffixes, prefixes, user names, other ports', async () => {
  await using tried = await startSeenUpstream();
  const others: string[] = [
    ...['up.test.evil.tld:443', 'evilup.test:443', 'xup.test:443', 'test:443', 'sub.up.test:443'],
    ...['xn--up-test.test:443', 'up-test:443', 'u\u0440.test:443'],
  ];
  for (const target of others) {
    const heard = await exchange(
      await tried.at.open(),
      `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`,
      /\r\n\r\n/,
    );
    assert.match(heard, /^HTTP\/1\.1 4\d\d /, target);
  }
  const malformed = [
    ...[
      'up.test',
      'up.test:',
      'up.test:0',
      'up.test:65536',
      'up.test:443:443',
      'a@up.test:443',
      'up.test:80@evil:443',
    ],
    ...[
      'http://up.test:443',
      '/up.test:443',
      'up.test%00.evil:443',
      'up.test\0:443',
      '[::1%25lo]:443',
      '::1:443',
      '*:443',
    ],
  ];
  for (const target of malformed) {
    const heard = await exchange(
      await tried.at.open(),
      `CONNECT ${target} HTTP/1.1\r\nHost: up.test\r\n\r\n`,
      /\r\n\r\n/,
    );
    assert.match(heard, /^HTTP\/1\.1 400 /, target);
  }
  const mismatch = await exchange(
    await tried.at.open(),
    'CONNECT up.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n',
  );
  assert.match(mismatch, /^HTTP\/1\.1 400 /);
  assert.equal(tried.seen.length, 0);
});

test('the proxy takes http and nothing else, and the same policy for it', async () => {
  await using upstream = await startUpstream(
    (message, response) => response.end(`plain ${message.headers.host}`),
    null,
  );
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  const ask = async (target: string, host = 'up.test', method = 'GET'): Promise<string> =>
    exchange(await at.open(), `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  assert.match(await ask('http://up.test/x'), /^HTTP\/1\.1 200 [\s\S]*plain up\.test/);
  const refused = [
    ...[
      'https://up.test/',
      'ftp://up.test/',
      'gopher://up.test/',
      'file:///etc/passwd',
      'ws://up.test/',
      'data:,x',
    ],
    ...[
      '/x',
      'up.test/x',
      'http:/up.test/',
      'http:up.test',
      'http://',
      'http:///x',
      'http://a@up.test/',
      'http://a:b@up.test/',
    ],
    ...[
      'http://up.test:0/',
      'http://up.test:99999/',
      'http://[::1/',
      'http://up.test\\@evil/',
      'http://up.test%2f/',
      'blob:x',
    ],
  ];
  for (const target of refused) assert.match(await ask(target), /^HTTP\/1\.1 400 /, target);
  assert.match(await ask('http://evil.test/', 'evil.test'), /^HTTP\/1\.1 403 /);
  assert.match(await ask('http://up.test/', 'evil.test'), /^HTTP\/1\.1 421 /);
  assert.match(await ask('http://up.test/', 'up.test', 'TRACE'), /^HTTP\/1\.1 403 /);
  assert.doesNotMatch(JSON.stringify(at.fake.done), new RegExp(SECRET.slice(0, 8)));
});

test('no credential is sent without TLS: absolute form, CONNECT to 80, plain HTTP in a tunnel', async () => {
  const got: string[] = [];
  await using upstream = await startUpstream((message, response) => {
    got.push(JSON.stringify(message.rawHeaders));
    response.end('plain');
  }, null);
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  // The worst keeper: it releases the secret whatever it is asked.
  const { call } = at.fake.keeper;
  at.fake.keeper.call = async (operation, request) => {
    const outcome = await call(operation, request);
    if (operation === 'egress' && outcome.ok) Object.assign(outcome.result, { credential: credential() });
    return outcome;
  };
  const ask = 'GET /x HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n';
  const heard = [
    await exchange(await at.open(), ask.replace('/x', 'http://up.test/x')),
    await exchange(await at.open(), `CONNECT up.test:80 HTTP/1.1\r\n\r\n${ask}`),
    await exchange(
      await at.open(),
      `CONNECT up.test:443 HTTP/1.1\r\n\r\n${ask.replace('up.test', 'up.test:443')}`,
    ),
  ];
  for (const text of heard) assert.ok(text.includes('403'), text);
  assert.deepEqual(got, []);
});

test('within a tunnel there is no CONNECT, no TRACE, and no upgrade but WebSocket', async () => {
  await using tried = await startSeenUpstream();
  const ask = async (text: string): Promise<string[]> =>
    statusesOf(await exchange(await tried.at.tunnel('up.test:443'), text));
  assert.deepEqual(await ask('CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: up.test\r\n\r\n'), ['400']);
  assert.deepEqual(await ask('CONNECT up.test:443 HTTP/1.1\r\nHost: up.test\r\n\r\n'), ['400']);
  assert.deepEqual(await ask('TRACE / HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n'), ['403']);
  const upgrade = 'Host: up.test\r\nConnection: Upgrade, close\r\nUpgrade:';
  assert.deepEqual(await ask(`GET / HTTP/1.1\r\n${upgrade} h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`), [
    '200',
  ]);
  assert.equal(lastOf(tried.seen)?.headers.upgrade, undefined);
  assert.deepEqual(await ask(`POST / HTTP/1.1\r\n${upgrade} websocket\r\nContent-Length: 1\r\n\r\nx`), [
    '403',
  ]);
});

test('hop-by-hop headers stay, what Connection names too; a redirect is passed on and not followed', async () => {
  let followed = 0;
  await using upstream = await startUpstream((message, response) => {
    if (message.url !== '/start') followed += 1;
    assert.equal(message.headers['x-hop'], undefined);
    assert.equal(message.headers['proxy-authorization'], undefined);
    assert.equal(message.headers['keep-alive'], undefined);
    assert.equal(message.headers.cookie, 'a=b; c=d');
    response.writeHead(307, [
      ...['Location', 'https://169.254.169.254/latest', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      ...[
        'Connection',
        'X-Secret-Hop',
        'X-Secret-Hop',
        '1',
        'Proxy-Authenticate',
        'Basic',
        'Alt-Svc',
        'h3=":443"',
      ],
    ]);
    response.end();
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  const tunnel = await at.tunnel('up.test:443');
  const heard = await exchange(
    tunnel,
    'GET /start HTTP/1.1\r\nHost: up.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nCookie: a=b; c=d\r\n\r\n',
  );
  assert.deepEqual(statusesOf(heard), ['307']);
  assert.match(
    heard,
    /Location: https:\/\/169\.254\.169\.254\/latest\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/,
  );
  assert.doesNotMatch(heard, /X-Secret-Hop|Proxy-Authenticate|Alt-Svc/i);
  assert.equal(followed, 0);
});

test('two connections of one agent, or of two, never share one to an upstream', async () => {
  await using tried = await startSeenUpstream();
  for (const path of ['/a', '/b']) {
    const tunnel = await tried.at.tunnel('up.test:443');
    for (const _ of [1, 2])
      await exchange(tunnel, `GET ${path} HTTP/1.1\r\nHost: up.test\r\n\r\n`, new RegExp(`seen ${path}`));
  }
  assert.equal(tried.seen.length, 4);
  assert.equal(tried.upstream.connections.size, 2);
  tried.at.egress.close();
  await Promise.all(
    [...tried.upstream.connections].map((socket) => socket.destroyed || once(socket, 'close')),
  );
});

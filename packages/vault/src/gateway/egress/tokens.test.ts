import assert from 'node:assert/strict';
import { test } from 'node:test';
import { credential, PLACEHOLDER, SECRET } from './test/fake-egress-keeper.ts';
import { startSeenUpstream, statusesOf } from './test/seen-upstream.ts';
import { exchange } from './test/start-egress.ts';

test('a token anywhere but in the declared header is refused, and nothing is sent', async () => {
  await using tried = await startSeenUpstream();
  tried.at.fake.credentials.set('up.test', credential());
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const percent = [...PLACEHOLDER].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
  const head = (line: string, ...lines: string[]): string =>
    [`${line} HTTP/1.1`, 'Host: up.test', 'Connection: close', ...lines, '', ''].join('\r\n');
  for (const token of [PLACEHOLDER, '$CRED{test}']) {
    const refused = [
      head(`GET /${token}`),
      head(`GET /?q=${token}`),
      head('GET /', `X-Api-Key: ${token}`),
      head('GET /', `Cookie: a=b; t=${token}`),
      head('GET /', `X-Other: ${basic(`u:${token}`)}`),
      head('GET /', `Proxy-Authorization: ${basic(`${token}:`)}`),
      head('GET /', `Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`),
      head('GET /', `Authorization: Bearer ${token}`, `X-Copy: ${token}`),
      head('GET /', `Authorization: Bearer olp_${'0'.repeat(40)}`),
      head('GET /', 'Authorization: Bearer $CRED{other}'),
      head(`GET /?q=${token.replace('$', '%24').replace('{', '%7B').replace('olp', '%6Flp')}`),
      head(`GET /?q=${token.replace('$', '%2524').replace('olp', '%256Flp')}`),
    ];
    for (const text of refused) {
      const heard = await exchange(await tried.at.tunnel('up.test:443'), text);
      assert.match(heard, /^HTTP\/1\.1 40[03] /, text);
      assert.equal(statusesOf(heard).length, 1);
    }
  }
  for (const text of [head(`GET /?q=${percent}`), head('GET /', `Authorization: Bearer ${percent}`)])
    assert.match(await exchange(await tried.at.tunnel('up.test:443'), text), /^HTTP\/1\.1 403 /);
  const refusedTunnel = `CONNECT up.test:443 HTTP/1.1\r\nProxy-Authorization: ${basic(`${PLACEHOLDER}:`)}\r\n\r\n`;
  assert.match(await exchange(await tried.at.open(), refusedTunnel), /^HTTP\/1\.1 403 /);
  assert.equal(tried.seen.length, 0);
});

test('many tokens are no more than one to the keeper, whose lines are bounded', async () => {
  await using tried = await startSeenUpstream();
  const many = `X: ${`${PLACEHOLDER} `.repeat(400)}`;
  const heard = await exchange(
    await tried.at.tunnel('up.test:443'),
    `GET / HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n${many}\r\n${`y${'z'.repeat(500)}: ${PLACEHOLDER}`}\r\n\r\n`,
  );
  assert.match(heard, /^HTTP\/1\.1 403 /);
  const { tokens = [] } = tried.at.fake.asked.at(-1) ?? {};
  assert.ok(tokens.length >= 1 && tokens.length <= 64, `${tokens.length}`);
  assert.ok(tokens.every(({ place }) => place.length <= 200 && /^[ -~]+$/.test(place)));
});

test('a token in the body cuts the request wherever it is split, and the upstream never gets it whole', async () => {
  await using tried = await startSeenUpstream();
  tried.at.fake.credentials.set('up.test', credential());
  for (const token of [PLACEHOLDER, '$CRED{test}'])
    for (const split of [1, 4, 5, token.length - 1, token.length]) {
      const tunnel = await tried.at.tunnel('up.test:443');
      const body = `${'x'.repeat(200)}${token.slice(0, split)}`;
      const rest = `${token.slice(split)}${'y'.repeat(50)}`;
      const answered = exchange(
        tunnel,
        `POST /body HTTP/1.1\r\nHost: up.test\r\nContent-Length: ${body.length + rest.length}\r\n\r\n${body}`,
        /"remedy"/,
      );
      await new Promise((resolve) => setImmediate(resolve));
      tunnel.write(rest);
      assert.match(await answered, /^HTTP\/1\.1 403 [\s\S]*egress\.token\.body/, `${token} at ${split}`);
    }
  assert.equal(tried.seen.length, 0);
});

test('the token is swapped in the declared header, also within Basic; a default value is replaced; a missing one added', async () => {
  await using tried = await startSeenUpstream();
  const basic = (text: string): string => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
  const cases: [Partial<ReturnType<typeof credential>>, string | null, string][] = [
    [{}, `Authorization: Bearer ${PLACEHOLDER}`, `Bearer ${SECRET}`],
    [{}, 'authorization: token $CRED{test}', `token ${SECRET}`],
    [{}, `Authorization: ${basic(`x-access-token:${PLACEHOLDER}`)}`, basic(`x-access-token:${SECRET}`)],
    [{}, `Authorization: ${basic(`${PLACEHOLDER}:x-oauth-basic`)}`, basic(`${SECRET}:x-oauth-basic`)],
    [{ scheme: 'basic', user: 'git' }, `Authorization: Bearer ${PLACEHOLDER}`, `Bearer ${SECRET}`],
    [{}, 'Authorization: Bearer none', `Bearer ${SECRET}`],
    [{}, null, `Bearer ${SECRET}`],
    [{ scheme: 'token' }, null, `token ${SECRET}`],
    [{ scheme: 'basic', user: 'x-access-token' }, null, basic(`x-access-token:${SECRET}`)],
    [{ scheme: 'raw', header: 'x-api-key' }, null, SECRET],
    [{ scheme: 'raw', header: 'x-api-key' }, `X-API-Key: ${PLACEHOLDER}`, SECRET],
  ];
  for (const [over, line, expected] of cases) {
    tried.at.fake.credentials.set('up.test', credential(over));
    const heard = await exchange(
      await tried.at.tunnel('up.test:443'),
      `GET /x HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n${line === null ? '' : `${line}\r\n`}Accept-Encoding: gzip\r\nRange: bytes=0-3\r\nX-OpenLegion-Agent: other\r\nX-HTTP-Method-Override: DELETE\r\nX-Rewrite-URL: /admin\r\n\r\n`,
    );
    assert.deepEqual(statusesOf(heard), ['200']);
    const { rawHeaders = [], headers } = tried.seen.at(-1)?.head ?? {};
    const name = over.header ?? 'authorization';
    const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
    assert.deepEqual(values, [expected]);
    assert.equal(headers?.['accept-encoding'], 'identity');
    assert.equal(headers?.range, undefined);
    for (const kept of ['x-openlegion-agent', 'x-http-method-override', 'x-rewrite-url'])
      assert.equal(headers?.[kept], undefined, kept);
  }
});

test('a web page of another site is lent no credential; its own site, a link and programs are', async () => {
  await using tried = await startSeenUpstream();
  tried.at.fake.credentials.set('up.test', credential({}));
  const page = 'Origin: https://evil.test\r\n';
  const link = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n';
  const cases: [method: string, headers: string, status: string][] = [
    ['POST', `${page}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n`, '403'],
    ['GET', 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n', '403'],
    ['GET', 'Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n', '403'],
    ['GET', 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n', '403'],
    ['POST', link, '403'],
    ['POST', page, '403'],
    ['GET', 'Origin: null\r\n', '403'],
    ['GET', link, '200'],
    ['POST', 'Origin: https://up.test\r\nSec-Fetch-Site: same-origin\r\n', '200'],
    ['GET', 'Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n', '200'],
    ['POST', 'Sec-Fetch-Mode: cors\r\n', '200'],
  ];
  for (const [method, headers, status] of cases) {
    const sent = tried.seen.length;
    const heard = await exchange(
      await tried.at.tunnel('up.test:443'),
      `${method} / HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n${headers}\r\n`,
    );
    assert.deepEqual(statusesOf(heard), [status], headers);
    if (status === '403') assert.match(heard, /egress\.cross_site/);
    assert.equal(tried.seen.length, sent + (status === '200' ? 1 : 0));
  }
  tried.at.fake.credentials.delete('up.test');
  const heard = await exchange(
    await tried.at.tunnel('up.test:443'),
    `POST / HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n${page}\r\n`,
  );
  assert.deepEqual(statusesOf(heard), ['200']);
});

test('a credential that could end its header, or be too short to be searched for, is not sent', async () => {
  await using tried = await startSeenUpstream();
  const bad = [
    'short',
    `${SECRET}\r\nX-Evil: 1`,
    `${SECRET}\n`,
    `${SECRET}\0`,
    `\u00fc${SECRET}`,
    `a b ${SECRET}`,
    '',
    'a'.repeat(100),
  ];
  for (const secret of bad) {
    tried.at.fake.credentials.set('up.test', credential({ secret }));
    const heard = await exchange(
      await tried.at.tunnel('up.test:443'),
      'GET / HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n',
    );
    assert.match(heard, /^HTTP\/1\.1 403 [\s\S]*vault\.credential/, JSON.stringify(secret));
  }
  tried.at.fake.credentials.set('up.test', credential({ scheme: 'basic', user: 'a:b' }));
  const heard = await exchange(
    await tried.at.tunnel('up.test:443'),
    'GET / HTTP/1.1\r\nHost: up.test\r\n\r\n',
    /"remedy"/,
  );
  assert.match(heard, /^HTTP\/1\.1 403 /);
  assert.equal(tried.seen.length, 0);
});

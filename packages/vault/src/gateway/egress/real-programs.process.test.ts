import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { credential, PLACEHOLDER, SECRET } from './test/fake-egress-keeper.ts';
import { certify, startEgress, startUpstream, type TestEgress } from './test/start-egress.ts';

const run = promisify(execFile);
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

/** What a container's programs are given: the proxy and the agent's authority, and nothing of this machine's own. */
function environment(at: TestEgress, directory: string): Record<string, string> {
  const authority = join(directory, 'authority.pem');
  writeFileSync(authority, at.authority);
  const proxy = `http://127.0.0.1:${at.port}`;
  return {
    ...{ PATH: process.env.PATH ?? '', HOME: directory, LANG: 'C' },
    ...{
      HTTPS_PROXY: proxy,
      HTTP_PROXY: proxy,
      https_proxy: proxy,
      http_proxy: proxy,
      NODE_USE_ENV_PROXY: '1',
    },
    ...{
      SSL_CERT_FILE: authority,
      CURL_CA_BUNDLE: authority,
      GIT_SSL_CAINFO: authority,
      NODE_EXTRA_CA_CERTS: authority,
    },
    ...{ GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' },
  };
}

/** `git http-backend` as a server would run it (CGI), for whoever says the secret as `accepts` has it. */
function gitServer(root: string, accepts: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.headers.authorization !== accepts) {
      response
        .writeHead(401, { 'www-authenticate': 'Basic realm="git"' })
        .end(`no ${request.headers.authorization}`);
      return;
    }
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...{
          PATH: process.env.PATH ?? '',
          GIT_PROJECT_ROOT: root,
          GIT_HTTP_EXPORT_ALL: '1',
          PATH_INFO: path,
        },
        ...{ QUERY_STRING: query, REQUEST_METHOD: request.method ?? '', REMOTE_USER: 'x' },
        ...{
          CONTENT_TYPE: request.headers['content-type'] ?? '',
          GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        },
        ...(request.headers['content-encoding']
          ? { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }
          : {}),
        ...(request.headers['content-length'] ? { CONTENT_LENGTH: request.headers['content-length'] } : {}),
      },
    });
    request.pipe(backend.stdin);
    backend.stdin.on('error', () => {});
    let head = Buffer.alloc(0);
    backend.stdout.on('data', function first(chunk: Buffer) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      backend.stdout.off('data', first);
      let status = 200;
      for (const line of head.subarray(0, end).toString().split('\r\n')) {
        const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? [];
        if (name === 'Status') status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status);
      response.write(head.subarray(end + 4));
      backend.stdout.pipe(response);
    });
  };
}

const CASES = [
  {
    name: 'nothing said, Basic added',
    binding: { scheme: 'basic', user: 'x-access-token' } as const,
    url: 'https://git.test/private.git',
    accepts: basic(`x-access-token:${SECRET}`),
  },
  {
    name: 'the placeholder in the address, Basic swapped',
    binding: {},
    url: `https://me:${PLACEHOLDER}@git.test/private.git`,
    accepts: basic(`me:${SECRET}`),
    config: ['-c', 'http.proactiveAuth=basic'],
  },
  { name: 'Bearer added', binding: {}, url: 'https://git.test/private.git', accepts: `Bearer ${SECRET}` },
  {
    name: 'Bearer in a header of its own',
    binding: {},
    url: 'https://git.test/private.git',
    accepts: `Bearer ${SECRET}`,
    config: ['-c', `http.extraHeader=Authorization: Bearer ${PLACEHOLDER}`],
  },
];

test('git clones and pushes through the proxy, with a credential that it never has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'egress-git-'));
  const git = (...options: string[]) =>
    execFileSync('git', options, { env: { PATH: process.env.PATH ?? '', HOME: directory } });
  const bare = join(directory, 'private.git');
  const work = join(directory, 'work');
  git('init', '-q', '--bare', bare);
  git('init', '-q', work);
  writeFileSync(
    join(work, 'large.bin'),
    Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * 7919 * (n >> 5)) & 255)),
  );
  git('-C', work, 'add', '.');
  git('-C', work, '-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '-qm', 'one');
  git('-C', work, 'push', '-q', bare, 'HEAD:refs/heads/main');
  git('-C', bare, 'symbolic-ref', 'HEAD', 'refs/heads/main');
  git('-C', bare, 'config', 'http.receivepack', 'true');
  for (const [n, { name, binding, url, accepts, config = [] }] of CASES.entries()) {
    await using upstream = await startUpstream(gitServer(directory, accepts), certify('git.test'));
    await using at = await startEgress({ pins: { 'git.test': upstream.port } });
    at.fake.hosts.add('git.test');
    at.fake.credentials.set('git.test', credential(binding));
    const env = { ...environment(at, directory), GIT_TRACE_CURL: '1' };
    const clone = join(directory, `clone-${n}`);
    const { stderr } = await run('git', [...config, 'clone', '-q', url, clone], {
      env,
      maxBuffer: 1e9,
    }).catch((error) => {
      throw new Error(`${name}: ${String(error.stderr).slice(-2000)}`);
    });
    assert.ok(readFileSync(join(clone, 'large.bin')).equals(readFileSync(join(work, 'large.bin'))), name);
    assert.ok(
      !stderr.includes(SECRET) && !stderr.includes(Buffer.from(SECRET).toString('base64').slice(0, 20)),
      name,
    );
    await run('git', ['-C', clone, ...config, 'push', '-q', 'origin', `HEAD:refs/heads/pushed-${n}`], {
      env,
      maxBuffer: 1e9,
    });
    assert.match(git('-C', bare, 'branch', '--list').toString(), new RegExp(`pushed-${n}`));
    assert.deepEqual(at.faults, []);
  }
  rmSync(directory, { recursive: true });
});

test('curl, Python and Node reach an allowed host with its credential, and are told why another is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'egress-programs-'));
  await using upstream = await startUpstream((message, response) => {
    message.setEncoding('utf8');
    let body = '';
    message.on('data', (chunk) => {
      body += chunk;
    });
    message.on('end', () =>
      response.end(
        JSON.stringify({
          right: message.headers.authorization === `Bearer ${SECRET}`,
          length: body.length,
          echo: message.headers.authorization,
        }),
      ),
    );
  });
  await using at = await startEgress({ pins: { 'up.test': upstream.port } });
  at.fake.credentials.set('up.test', credential());
  const env = environment(at, directory);
  const large = join(directory, 'large.txt');
  writeFileSync(large, 'x'.repeat(3_000_000));
  const python = (url: string): string =>
    `import urllib.request as u\nprint(u.urlopen(u.Request(${JSON.stringify(url)}, headers={'Authorization': 'Bearer ${PLACEHOLDER}'})).read().decode())`;
  const node = (url: string): string =>
    `fetch(${JSON.stringify(url)}, { headers: { authorization: 'Bearer ${PLACEHOLDER}' } }).then(async (a) => console.log(await a.text()), (e) => { console.error(e.cause); process.exit(1); })`;
  const programs: [string, (url: string) => string[]][] = [
    ['curl', (url) => ['-sS', '--fail-with-body', url]],
    [
      'curl',
      (url) => ['-sS', '--fail-with-body', '--http2', '-H', `Authorization: Bearer ${PLACEHOLDER}`, url],
    ],
    [
      'curl',
      (url) => [
        '-sS',
        '--fail-with-body',
        '-H',
        'Authorization: Bearer none',
        '--data-binary',
        `@${large}`,
        url,
      ],
    ],
    ['curl', (url) => ['-sS', '--fail-with-body', '-T', large, '-H', 'Transfer-Encoding: chunked', url]],
    ['python3', (url) => ['-c', python(url)]],
    [process.execPath, (url) => ['-e', node(url)]],
  ];
  for (const [program, options] of programs) {
    const { stdout } = await run(program, options('https://up.test/x'), { env });
    const answer = JSON.parse(stdout);
    assert.equal(answer.right, true, `${program}: ${stdout}`);
    assert.ok(!stdout.includes(SECRET.slice(0, 8)));
    const denied = await run(program, options('https://evil.test/x'), { env }).then(
      () => assert.fail('it was let through'),
      (error) => String(error.stderr) + String(error.stdout),
    );
    if (program !== process.execPath) assert.match(denied, /403/, program);
  }
  assert.deepEqual(at.faults, []);
  rmSync(directory, { recursive: true });
});

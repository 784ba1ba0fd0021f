import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseEngineHost } from './engine-address.ts';
import { findEngine } from './find-engine.ts';

let directory = '';
const servers: Server[] = [];

/** Something that answers `/_ping` like an engine. */
async function listen(name: string, status = 200): Promise<string> {
  const path = join(directory, name);
  const server = createServer((_request, response) => response.writeHead(status).end('OK'));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  servers.push(server);
  return path;
}

/** A socket file at which no one listens, as an engine leaves that was killed. */
async function deadSocket(name: string): Promise<string> {
  const path = join(directory, name);
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const { spawnSync } = await import('node:child_process');
  spawnSync(process.execPath, ['-e', program]);
  return path;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ol-find-'));
});
after(async () => {
  for (const server of servers) server.close();
  await rm(directory, { recursive: true, force: true });
});

describe('findEngine', () => {
  const look = (env: NodeJS.ProcessEnv, sockets: string[] = []) =>
    findEngine({ env, sockets, homeDirectory: directory });

  test('says that there is no engine, and how to get one', async () => {
    const search = await look({}, [join(directory, 'nothing.sock')]);
    assert.ok(!search.found);
    assert.equal(search.reason, 'none');
    assert.match(search.refusal.remedy, /apt-get install docker\.io/);
  });

  test('says that an engine is there but not running', async () => {
    const search = await look({}, [await deadSocket('dead.sock')]);
    assert.ok(!search.found);
    assert.equal(search.reason, 'not_running');
    assert.match(search.refusal.message, /dead\.sock/);
    assert.match(search.refusal.remedy, /systemctl start docker/);
  });

  test('an engine whose socket answers with an error is not running', async () => {
    const search = await look({}, [await listen('broken.sock', 500)]);
    assert.ok(!search.found);
    assert.equal(search.reason, 'not_running');
  });

  test('goes on from a dead socket to one that answers', async () => {
    const alive = await listen('alive.sock');
    const search = await look({}, [await deadSocket('dead2.sock'), alive]);
    assert.ok(search.found);
    assert.deepEqual(search.address, { kind: 'unix', path: alive });
  });

  test('an engine that DOCKER_HOST names is never replaced by another', async () => {
    const alive = await listen('other.sock');
    for (const path of [join(directory, 'gone.sock'), await deadSocket('named-dead.sock')]) {
      const search = await look({ DOCKER_HOST: `unix://${path}` }, [alive]);
      assert.ok(!search.found);
      assert.equal(search.reason, 'named_not_running');
      assert.match(search.refusal.message, /DOCKER_HOST/);
      assert.match(search.refusal.remedy, /unset DOCKER_HOST/);
    }
  });

  test('takes the current docker context, and refuses one that cannot be read', async () => {
    const alive = await listen('context.sock');
    const folder = createHash('sha256').update('mine').digest('hex');
    const meta = join(directory, '.docker', 'contexts', 'meta', folder);
    await mkdir(meta, { recursive: true });
    await writeFile(join(directory, '.docker', 'config.json'), '{"currentContext":"mine"}');
    const missing = await look({}, [alive]);
    assert.ok(!missing.found);
    assert.equal(missing.refusal.rule, 'engine.context');
    await writeFile(
      join(meta, 'meta.json'),
      JSON.stringify({ Endpoints: { docker: { Host: `unix://${alive}` } } }),
    );
    const search = await look({}, []);
    assert.ok(search.found);
    assert.deepEqual(search.address, { kind: 'unix', path: alive });
    assert.ok((await look({ DOCKER_CONTEXT: 'default' }, [alive])).found);
  });

  test('says that the user may not use the socket', { skip: process.getuid?.() !== 0 }, async () => {
    // Root may open every socket, so the search runs as another user.
    const forbidden = await listen('forbidden.sock');
    const { chmod } = await import('node:fs/promises');
    await chmod(directory, 0o755);
    await chmod(forbidden, 0o600);
    const { spawnSync } = await import('node:child_process');
    const program = `import { findEngine } from ${JSON.stringify(join(import.meta.dirname, 'find-engine.ts'))};
      const search = await findEngine({ env: {}, sockets: [${JSON.stringify(forbidden)}], homeDirectory: '/nonexistent' });
      process.stdout.write(JSON.stringify(search));`;
    // The server of this process answers no one while it waits, and need not: opening the socket is what is refused.
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module-typescript', '-e', program],
      {
        uid: 65_534,
        encoding: 'utf8',
      },
    );
    assert.match(stdout, /no_permission/, stderr);
    assert.match(stdout, /docker group/);
  });
});

describe('parseEngineHost', () => {
  test('takes sockets and tcp addresses', () => {
    assert.deepEqual(parseEngineHost('unix:///a/b.sock', 'x'), { kind: 'unix', path: '/a/b.sock' });
    assert.deepEqual(parseEngineHost('tcp://h:1234', 'x'), { kind: 'tcp', host: 'h', port: 1234, tls: null });
    assert.deepEqual(parseEngineHost('tcp://[::1]:80', 'x'), {
      kind: 'tcp',
      host: '::1',
      port: 80,
      tls: null,
    });
    assert.deepEqual(parseEngineHost('https://h', 'x'), { kind: 'tcp', host: 'h', port: 2376, tls: null });
  });
  test('refuses everything else with a remedy', () => {
    for (const text of [
      '',
      'ssh://host',
      'npipe:////./pipe/x',
      'unix://relative',
      'file:///etc',
      'tcp://',
      'fd://',
    ]) {
      const parsed = parseEngineHost(text, 'DOCKER_HOST');
      assert.ok('code' in parsed, text);
      assert.match(parsed.message, /DOCKER_HOST/);
      assert.notEqual(parsed.remedy, '');
    }
  });
});

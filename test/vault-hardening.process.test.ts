import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { socketPaths } from '@openlegion/contract/installation';
import { createSecretSearch } from '@openlegion/contract/secret-forms';
import { PROGRAMS } from '../packages/cli/src/programs.ts';
import { installationParts } from '../packages/cli/src/supervisor/installation-parts.ts';
import { type InstallationFiles, startInstallation, type TestInstallation } from './harness/installation.ts';

/* What holds credentials, looked at from outside as the machine shows it: the real processes, as they are started. */

const VAULT = resolve(import.meta.dirname, '../packages/vault/src');
const PARTS = ['keeper', 'gateway'] as const;
const FILES: InstallationFiles = { agents: 'agents: {}\n', permissions: { permissions: {} }, scripts: {} };
const PREFIX = 'sk-HARDENING-';
const CANARY = `${PREFIX}5c0ffee5c0ffee5c0ffee5c0ffee`;
const root = process.getuid?.() === 0;
const needsRoot = root ? false : 'needs root, which gives each its own uid';
/** What a person's shell may hold, and none of it may reach the vault. */
const HOSTILE = {
  NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2',
  NODE_DEBUG: 'http,net,tls,stream',
  NODE_EXTRA_CA_CERTS: '/nonexistent/ca.pem',
  SSLKEYLOGFILE: '/tmp/openlegion-hardening-keys',
  LD_PRELOAD_TEST: '1',
  HTTPS_PROXY: 'http://127.0.0.1:1',
  OPENLEGION_CRED_LEFT: CANARY,
};

/** Written to standard error, which is the part's log: it can open no file of its own. */
const RECORDER = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    process._rawDebug('module ' + found.url);
    return found;
  },
});
`;

const CALLER = {
  'x-openlegion-agent': 'assistant',
  'x-openlegion-trace': 'trace',
  'x-openlegion-tools': '{}',
};
const CALL = JSON.stringify({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'hello' }] });
const isDump = (name: string | Buffer) => /heapsnapshot|report\..*\.json|(^|\/)core(\.|$)/.test(String(name));

let installation: TestInstallation;
const directory = mkdtempSync(join(tmpdir(), 'openlegion-hardening-'));
/** Every module that the two processes resolved, as they ran. */
let recorded: string;

before(async () => {
  const recorder = join(directory, 'record.mjs');
  writeFileSync(recorder, RECORDER);
  Object.assign(process.env, HOSTILE);
  try {
    installation = await startInstallation(FILES, PARTS, [
      `--allow-fs-read=${recorder}`,
      `--import=${pathToFileURL(recorder)}`,
    ]);
  } finally {
    for (const name of Object.keys(HOSTILE)) delete process.env[name];
  }
  await use(installation);
  recorded = PARTS.map((part) => installation.log(part)).join('\n');
});
after(async () => {
  await installation[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** One of everything: a credential stored, a model asked for, the outside asked for. */
async function use({ run }: TestInstallation): Promise<void> {
  const stored = spawnSync(
    process.execPath,
    [PROGRAMS.vaultAdmin, 'add', 'github', '--preset', 'github', '--run', run],
    { input: CANARY },
  );
  assert.equal(stored.status, 0, String(stored.stderr));
  await askModel(run);
  assert.equal(await askOutside(run), 503, 'before the host has told it what is configured, nothing passes');
  await configure(run);
  await askOutside(run);
}

/** What the host does at its start and whenever the gateway was started again. */
async function configure(run: string): Promise<void> {
  const settings = {
    extraRootsPem: null,
    hosts: [],
    requestsPerMinute: 100_000,
    bytesPerMinute: 1e6,
    connections: 8,
  };
  const headers = { 'content-type': 'application/json' };
  const status = await answerTo(run, { method: 'PUT', path: '/egress', headers }, JSON.stringify(settings));
  assert.equal(status, 204);
}

function askModel(run: string): Promise<number> {
  return answerTo(
    run,
    {
      method: 'POST',
      path: '/llm/openai/chat/completions',
      headers: { ...CALLER, 'content-type': 'application/json' },
    },
    CALL,
  );
}

function answerTo(run: string, options: object, body: string): Promise<number> {
  return new Promise((done, reject) => {
    const sent = request({ socketPath: socketPaths(run).gateway, agent: false, ...options }, (response) => {
      response.resume().once('end', () => done(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The status with which the gateway, as a proxy, answers a request to a host that nobody allowed. */
function askOutside(run: string): Promise<number> {
  return new Promise((done, reject) => {
    const opened = request({
      ...{ socketPath: socketPaths(run).gateway, agent: false, method: 'CONNECT', path: 'egress' },
      headers: { host: 'egress', ...CALLER },
    });
    opened.once('error', reject);
    opened.once('connect', (answer, socket, head) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        done(answer.statusCode ?? 0);
        return;
      }
      let text = '';
      const read = (chunk: Buffer) => {
        text += chunk;
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
        if (!status) return;
        socket.destroy();
        done(Number(status));
      };
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`closed without an answer: ${text}`)));
      socket.on('data', read);
      read(head);
      if (!socket.destroyed) socket.write('GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n');
    });
    opened.end();
  });
}

const proc = (part: (typeof PARTS)[number], file: string) =>
  readFileSync(`/proc/${installation.pidOf(part)}/${file}`, 'latin1');

for (const part of PARTS) {
  test(`${part}: no core dump, soft or hard`, () => {
    assert.match(proc(part, 'limits'), /^Max core file size +0 +0 /m);
  });

  test(`${part}: a clean environment, whatever the one who starts it has`, () => {
    const names = proc(part, 'environ')
      .split('\0')
      .filter(Boolean)
      .map((pair) => pair.split('=')[0] ?? '');
    // A shell that is not Debian's may leave its own `_`.
    assert.deepEqual(
      names.filter((name) => !['PATH', 'HOME', 'LANG', 'TZ', '_'].includes(name)),
      [],
    );
  });

  test(`${part}: a uid of its own, no group, no capability`, { skip: needsRoot }, () => {
    const status = proc(part, 'status');
    const [, uid = ''] = /^Uid:\t(\d+)\t\1\t\1\t\1$/m.exec(status) ?? [];
    assert.match(uid, /^64\d{3}$/);
    assert.match(status, new RegExp(`^Gid:\\t${uid}\\t${uid}\\t`, 'm'));
    assert.match(status, /^Groups:\t\s*$/m);
    assert.match(status, /^CapEff:\t0{16}$/m);
    assert.match(status, /^CapPrm:\t0{16}$/m);
    const other = /^Uid:\t(\d+)/m.exec(proc(part === 'keeper' ? 'gateway' : 'keeper', 'status'))?.[1];
    assert.notEqual(other, uid);
  });

  test(`${part}: no native module but Node itself and the system's libraries`, () => {
    const files = [...new Set([...proc(part, 'maps').matchAll(/ (\/\S+)$/gm)].map(([, path = '']) => path))];
    assert.ok(files.includes(realpathSync(process.execPath)));
    for (const file of files.filter((path) => path !== realpathSync(process.execPath)))
      assert.match(file, /^\/(?:usr\/)?lib(?:64)?\/|^\/opt\/|vault\.db(?:-shm)?$/, file);
    assert.equal(
      files.some((path) => path.endsWith('.node')),
      false,
    );
  });

  test(`${part}: loads the vault's own files and Node's core, all of them known from its source`, () => {
    const loaded = new Set(
      [...recorded.matchAll(/ module (\S+)$/gm)]
        .map(([, url = '']) => url)
        .filter((url) => !url.endsWith('/record.mjs')),
    );
    const known = staticGraph(PROGRAMS[part]);
    const files = [...loaded].filter((url) => !url.startsWith('node:')).map((url) => fileURLToPath(url));
    assert.ok(files.includes(PROGRAMS[part]));
    assert.ok(files.length > 20, `${files.length} files`);
    const mine = new Set([...known, ...staticGraph(PROGRAMS[part === 'keeper' ? 'gateway' : 'keeper'])]);
    for (const file of files) {
      assert.ok(file.startsWith(`${VAULT}/`), file);
      assert.ok(mine.has(file), `${file} is loaded, but imported nowhere in the source`);
    }
  });

  test(`${part}: listens on nothing but its sockets, and the keeper on no network at all`, () => {
    const inodes = new Set(
      readdirSync(`/proc/${installation.pidOf(part)}/fd`).flatMap((fd) => {
        const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(part, fd)) ?? [];
        return inode ? [inode] : [];
      }),
    );
    const network = ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((table) =>
      proc(part, `net/${table}`)
        .split('\n')
        .slice(1)
        .filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? '')),
    );
    assert.deepEqual(network, []);
  });

  test(`${part}: SIGUSR1 opens no inspector`, async () => {
    process.kill(installation.pidOf(part), 'SIGUSR1');
    // Whoever answers this has handled the signal before it: an inspector says so at once.
    await askModel(installation.run);
    assert.doesNotMatch(installation.log(part), /Debugger listening/);
    assert.doesNotMatch(proc(part, 'net/tcp'), /0100007F:240D/);
  });
}

function linkOf(part: (typeof PARTS)[number], fd: string): string {
  try {
    return readlinkSync(`/proc/${installation.pidOf(part)}/fd/${fd}`);
  } catch {
    // Closed since it was listed.
    return '';
  }
}

/** Every file that `main` imports, and what these import, with what is not a file of the vault's refused. */
function staticGraph(main: string): Set<string> {
  const found = new Set<string>();
  const open = [main];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    const source = readFileSync(file, 'utf8');
    assert.ok(
      !/\b(?:require|createRequire|dlopen)\(|(?:[=(>,]|await|return)\s*import\(/.test(source),
      `${file} loads by name`,
    );
    for (const [, keyword = '', specifier = ''] of source.matchAll(
      /^(?:import|export)\b(\s+type\b)?[^'";]*?\bfrom '([^']+)'|^import '([^']+)'/gm,
    )) {
      if (keyword.includes('type') || specifier.startsWith('node:')) continue;
      assert.ok(specifier.startsWith('.'), `${file} imports ${specifier}`);
      open.push(resolve(dirname(file), specifier));
    }
  }
  return found;
}

test('a Node without the flag does open an inspector: the check above can fail', async () => {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('up'); setInterval(() => {}, 1000)"], {
    env: {},
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR1');
  const [line] = await once(child.stderr, 'data');
  child.kill('SIGKILL');
  assert.match(String(line), /Debugger listening/);
});

test('what the flags take away: other files, programs, threads, native code, an inspector, code from text', () => {
  const { home, run } = installation;
  const attempts = `const attempts = {
    read: () => process.getBuiltinModule('fs').readFileSync('/etc/hostname'),
    list: () => process.getBuiltinModule('fs').readdirSync(${JSON.stringify(home)}),
    write: () => process.getBuiltinModule('fs').writeFileSync('/tmp/openlegion-hardening', 'x'),
    program: () => process.getBuiltinModule('child_process').spawnSync('/bin/true'),
    thread: () => new (process.getBuiltinModule('worker_threads').Worker)('1', { eval: true }),
    native: () => process.dlopen({ exports: {} }, '/nonexistent.node'),
    inspector: () => process.getBuiltinModule('inspector').open(0),
    text: () => (0, eval)('1'),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    let outcome = 'done';
    try { attempt(); } catch (error) { outcome = error.code ?? error.name; }
    console.log(name, outcome);
  }
  console.log('proto', ({}).__proto__ === undefined ? 'gone' : 'there');`;
  const definitions = installationParts({
    ...{ home, run, sandbox: false, port: null, users: null, environment: {} },
  });
  for (const part of PARTS) {
    const flags = definitions.find(({ name }) => name === part)?.nodeFlags ?? [];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', attempts], { env: {}, cwd: '/' });
    assert.equal(
      String(stdout),
      `${['read', 'list', 'write', 'program', 'thread', 'native', 'inspector']
        .map((name) => `${name} ${name === 'native' ? 'ERR_DLOPEN_DISABLED' : 'ERR_ACCESS_DENIED'}`)
        .join('\n')}\ntext EvalError\nproto gone\n`,
      `${part}: ${stderr}`,
    );
  }
});

test('a credential is in no log, no file, no environment, no argument, and not in the gateway', () => {
  const search = createSecretSearch(PREFIX);
  const where: string[] = [];
  const look = (place: string, bytes: Uint8Array) => {
    if (search(bytes).length > 0) where.push(place);
  };
  look('itself', Buffer.from(CANARY));
  assert.deepEqual(where.splice(0), ['itself'], 'the search finds what is there');
  for (const entry of readdirSync(installation.home, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) look(entry.name, readFileSync(join(entry.parentPath, entry.name)));
  for (const part of PARTS) {
    for (const file of ['environ', 'cmdline'])
      look(`${part} ${file}`, Buffer.from(proc(part, file), 'latin1'));
    look(`${part} log`, Buffer.from(installation.log(part)));
  }
  if (root) for (const bytes of memoryOf(installation.pidOf('gateway'))) look('memory of the gateway', bytes);
  assert.deepEqual(where, []);
  assert.equal(existsSync(HOSTILE.SSLKEYLOGFILE), false);
});

/** What the process can write to, in pieces that overlap. */
function* memoryOf(pid: number): Generator<Uint8Array> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const piece = Buffer.alloc(4 * 1024 * 1024);
  try {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
    for (const [, from = '0', to = '0'] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
      const end = BigInt(`0x${to}`);
      for (let at = BigInt(`0x${from}`); at < end; at += BigInt(piece.length - 256)) {
        const length = Number(end - at < BigInt(piece.length) ? end - at : BigInt(piece.length));
        let read = 0;
        try {
          read = readSync(memory, piece, 0, length, at);
        } catch {
          // A page that is no longer there.
        }
        yield piece.subarray(0, read);
      }
    }
  } finally {
    closeSync(memory);
  }
}

test('signals that make Node write down what it knows end the process and leave no file', async () => {
  const files = () => readdirSync(installation.home, { recursive: true }).filter(isDump);
  for (const signal of ['SIGUSR2', 'SIGABRT'] as const) {
    process.kill(installation.pidOf('gateway'), signal);
    await installation.kill('gateway').catch(() => {});
    assert.deepEqual([...files(), ...readdirSync(process.cwd()).filter(isDump)], []);
    await installation.start('gateway');
  }
});

test('while the keeper is away everything is refused, nothing passes; when it is back, it is asked again', async () => {
  const { run } = installation;
  await configure(run);
  assert.equal(await askOutside(run), 403, 'nobody allowed it');
  await installation.kill('keeper');
  assert.equal(await askOutside(run), 503);
  assert.equal(await askModel(run), 503);
  await installation.start('keeper');
  // The gateway connects again by itself; until it has, it refuses.
  let status = await askOutside(run);
  for (let tries = 0; status === 503 && tries < 1000; tries += 1) status = await askOutside(run);
  assert.equal(status, 403);
});

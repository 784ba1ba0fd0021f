import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, type TestContext, test } from 'node:test';
import { configPaths, dataPaths } from '@openlegion/contract/installation';
import { RefusalBody } from '@openlegion/contract/refusal';
import { createEngineClient } from '../packages/host/src/engine/engine-client.ts';
import { findEngine } from '../packages/host/src/engine/find-engine.ts';
import { LABELS } from '../packages/host/src/sandbox/container-spec.ts';
import { type CommandOptions, type CommandOutcome, NOBODY, runOpenLegion } from './harness/command-line.ts';
import { type ControlClient, createControlClient } from './harness/control-client.ts';
import { type EngineProxy, startEngineProxy } from './harness/engine-proxy.ts';
import { type InstallationFiles, writeConfig } from './harness/installation.ts';
import { type LocalProvider, startLocalProvider } from './harness/local-provider.ts';
import { removeVolumes } from './harness/remove-volumes.ts';

/* What goes wrong for a person, and what they read: through the real command line, each message in the test's log. */

const RIGHT_KEY = 'sk-person-right-5c0ffee5c0ffee';
const WRONG_KEY = 'sk-person-wrong-0badc0de0badc0';

const root = process.getuid?.() === 0;
const needsRoot = root ? false : 'needs root';

const FILES: InstallationFiles = {
  mesh: 'mesh: { port: 0 }\nllm: { default_model: scripted/assistant }\n',
  agents: 'agents:\n  assistant: { model: scripted/assistant, resources: { disk_limit: 32m } }\n',
  permissions: { permissions: { assistant: { allowed_apis: ['llm'] } } },
  scripts: {
    assistant: `rules:
  - when: { user: slowly }
    answer: { text: 'One word after the other, and something may die in between. This is the end.', chunk_delay_ms: 500 }
otherwise: { text: 'You said: {{user}}.' }
`,
  },
};

/** An installation's home; `nobody`: one that belongs to that user. Stopped and removed with the test. */
function makeHome(context: { after: TestContext['after'] }, files: Partial<InstallationFiles> = {}): string {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-errors-'));
  writeConfig(home, { ...FILES, ...files });
  context.after(async () => {
    await runOpenLegion(home, ['stop']);
    await removeVolumes(home);
    // Where the test mounted a disk there.
    spawnSync('umount', [dataPaths(home).directory]);
    rmSync(home, { recursive: true, force: true });
  });
  return home;
}

/** What a person reads is in the test's log, says what it must, and holds nothing of the inside. */
function reads(context: TestContext, outcome: CommandOutcome, code: number, ...says: RegExp[]): void {
  for (const line of outcome.shown.trimEnd().split('\n')) context.diagnostic(line);
  for (const inside of [/^\s+at /m, /\.ts\b/, /node_modules/, /packages\//, /\[object/, /undefined|NaN/])
    assert.doesNotMatch(outcome.shown, inside);
  for (const key of [RIGHT_KEY, WRONG_KEY]) assert.ok(!outcome.shown.includes(key), 'a key is shown');
  for (const pattern of says) assert.match(outcome.shown, pattern);
  assert.equal(outcome.code, code, outcome.shown);
}

/** A socket's file with no one behind it. */
async function deadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.alive`);
  await new Promise((done) => server.once('listening', done));
  renameSync(`${path}.alive`, path);
  await new Promise((done) => server.close(done));
}

describe('errors that a person meets', { timeout: 300_000 }, () => {
  let engineSocket: string;
  let engine: EngineProxy;
  let sockets: string;

  before(async () => {
    const search = await findEngine({ env: process.env });
    assert.ok(search.found && search.address.kind === 'unix', 'these tests need an engine on a socket');
    engineSocket = search.address.path;
    sockets = mkdtempSync(join(tmpdir(), 'openlegion-engine-'));
    if (root) chownSync(sockets, NOBODY, NOBODY);
    engine = await startEngineProxy({ engineSocket, path: join(sockets, 'engine.sock'), mode: 0o666 });
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(sockets, { recursive: true, force: true });
  });

  test('no engine', { skip: needsRoot }, async (context) => {
    const home = makeHome(context);
    chownAll(home);
    const outcome = await runOpenLegion(home, ['start', '-d'], { nobody: { withoutEngine: true } });
    reads(context, outcome, 1, /no container engine/, /apt-get install -y docker\.io/);
  });

  test('engine not running', async (context) => {
    const home = makeHome(context);
    const dead = join(sockets, 'dead.sock');
    await deadSocket(dead);
    for (const path of [dead, join(sockets, 'nothing.sock')]) {
      const outcome = await runOpenLegion(home, ['start', '-d'], {
        environment: { DOCKER_HOST: `unix://${path}` },
      });
      reads(context, outcome, 1, /DOCKER_HOST/, new RegExp(path.replaceAll('.', '\\.')), /start/i);
    }
  });

  test('no permission on the socket', { skip: needsRoot }, async (context) => {
    const home = makeHome(context);
    chownAll(home);
    await using closed = await startEngineProxy({
      engineSocket,
      path: join(sockets, 'closed.sock'),
      mode: 0o600,
    });
    const outcome = await runOpenLegion(home, ['start', '-d'], {
      environment: { DOCKER_HOST: closed.host },
      nobody: { withoutEngine: false },
    });
    reads(context, outcome, 1, /closed\.sock/, /may not use it/, /docker group/);
  });

  test('image build failed', async (context) => {
    const home = makeHome(context);
    engine.failBuilds("The command '/bin/sh -c node --version' returned a non-zero code: 137");
    const outcome = await runOpenLegion(home, ['start', '-d'], { environment: { DOCKER_HOST: engine.host } });
    engine.failBuilds(null);
    reads(context, outcome, 1, /image could not be built/, /returned a non-zero code: 137/, /start again/i);
    assert.ok(!existsSync(join(home, 'data/mesh.db')));
  });

  test('port taken', async (context) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => other.once('listening', done));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const home = makeHome(context, {
      mesh: `mesh: { port: ${port} }\nllm: { default_model: scripted/assistant }\n`,
    });
    const outcome = await runOpenLegion(home, ['start', '-d'], { environment: { DOCKER_HOST: engine.host } });
    other.close();
    reads(context, outcome, 1, new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken`), /config\/mesh\.yaml/);
    reads(context, await runOpenLegion(home, ['status']), 1, /not running/, /\.\/openlegion start/);
  });

  test('bad YAML', async (context) => {
    const home = makeHome(context, {
      agents:
        'agents:\n  assistant: { modle: scripted/assistant }\n  helper:\n    resources: { memory_limit: lots }\n',
      mesh: 'mesh: { port: 0 \nllm: [\n',
    });
    const outcome = await runOpenLegion(home, ['start', '-d'], { environment: { DOCKER_HOST: engine.host } });
    reads(
      context,
      outcome,
      1,
      /config\/mesh\.yaml:\d+:\d+: /,
      /config\/agents\.yaml:2:16: .*modle/,
      /"model"/,
      /config\/agents\.yaml:4:\d+: .*memory_limit/,
      /384m/,
    );
    assert.doesNotMatch(outcome.shown, /container engine/, 'it is told before anything is set up');
  });

  describe('of a fleet that runs', () => {
    let home: string;
    let provider: LocalProvider;
    let control: ControlClient;
    const run = (args: string[], options: CommandOptions = {}) =>
      runOpenLegion(home, args, { ...options, environment: { DOCKER_HOST: engine.host } });

    before(async () => {
      provider = await startLocalProvider(RIGHT_KEY, 'good');
      home = mkdtempSync(join(tmpdir(), 'openlegion-errors-'));
      writeConfig(home, fleetFiles(provider.port));
      const outcome = await run(['start', '-d']);
      assert.equal(outcome.code, 0, outcome.shown);
      control = createControlClient(dataPaths(home).controlToken);
      control.port = Number(/127\.0\.0\.1:(\d+)/.exec(outcome.shown)?.[1]);
    });
    after(async () => {
      await run(['stop']);
      await removeVolumes(home);
      await provider?.[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true });
    });

    test('it says at its start what it is short of', async (context) => {
      reads(
        context,
        await run(['status']),
        0,
        /engine: (?:not ready: it is being made ready|\w+ [\d.]+)/,
        /typo .*openai\/gpt-4\.1-mimi/,
      );
    });

    test('unknown agent', async (context) => {
      reads(
        context,
        await run(['chat', 'asistant', 'hello']),
        1,
        /no agent named "asistant"/,
        /There are: assistant, /,
      );
      for (const [action, body] of [
        ['steer', { text: 'left' }],
        ['cancel', undefined],
        ['messages', { text: 'hello' }],
      ] as const) {
        const refused = await control.call('POST', `/api/agents/asistant/${action}`, body);
        assert.equal(refused.status, 404);
        assert.match(refused.text, /no agent named/);
      }
    });

    test('files of a workspace', async (context) => {
      const file = (verb: string, path: string, options: CommandOptions = {}) =>
        run(['workspace', verb, 'assistant', path], options);
      const input = 'Be brief.\u001b[2J\n';
      assert.equal((await file('put', 'notes/SOUL.md', { input })).code, 0);
      assert.equal((await file('get', 'notes/SOUL.md')).stdout, input);
      reads(context, await run(['workspace', 'list', 'assistant']), 0, /notes\/SOUL\.md +14 bytes/);
      for (const path of ['../agent.db', '/etc/passwd'])
        reads(context, await file('get', path), 1, /not the path of a workspace file/);
      reads(context, await file('get', 'none.md'), 1, /none\.md/, /List the workspace/);
    });

    test('unknown model', async (context) => {
      const outcome = await run(['chat', 'typo', 'hello']);
      reads(context, outcome, 1, /openai\/gpt-4\.1-mimi/, /model of typo/, /models price/);
    });

    test('no key, wrong key, right key', async (context) => {
      reads(
        context,
        await run(['chat', 'caller', 'hello']),
        1,
        /OPENLEGION_SYSTEM_ACME_API_KEY/,
        /vault add/,
      );
      reads(context, await run(['vault', 'add', 'acme'], { input: `${WRONG_KEY}\n` }), 0, /ACME/);
      reads(context, await run(['chat', 'caller', 'hello']), 1, /did not accept the key/, /vault add/);
      reads(context, await run(['vault', 'add', 'acme'], { input: `${RIGHT_KEY}\n` }), 0, /ACME/);
      reads(context, await run(['chat', 'caller', 'hello']), 0, /Yes, I am here/);
    });

    test('a model that the catalog has and its provider no more', async (context) => {
      const outcome = await run(['chat', 'ghost', 'hello']);
      reads(context, outcome, 1, /acme\/retired/, /The model does not exist/);
    });

    test('provider down, and up again', async (context) => {
      await provider.goDown();
      reads(
        context,
        await run(['chat', 'caller', 'are you there?']),
        1,
        /acme/,
        /refused the connection/,
        /base_url/,
      );
      await provider.comeUp();
      reads(context, await run(['chat', 'caller', 'and now?']), 0, /Yes, I am here/);
    });

    test('budget spent', async (context) => {
      reads(context, await run(['chat', 'poor', 'hello']), 1, /budget/, /config\/agents\.yaml/);
    });

    test('files edited by hand, with a mistake and without', async (context) => {
      reads(context, await run(['reload']), 0, /Nothing has changed/);
      const { agents } = configPaths(home);
      const before = readFileSync(agents, 'utf8');
      writeFileSync(agents, before.replace('daily_usd: 0.000001', 'daily_usd: nothing'));
      reads(context, await run(['reload']), 1, /agents\.yaml:\d+:\d+/, /openlegion reload/);
      writeFileSync(agents, before.replace('daily_usd: 0.000001', 'daily_usd: 5'));
      reads(context, await run(['reload']), 0, /In effect: agents\.poor\.budget\.daily_usd/);
      // The model is given what was refused before as well.
      reads(context, await run(['chat', 'poor', 'and now?']), 0, /You said: .*and now\?/);
    });

    test('a program asks, and what goes wrong is JSON', async () => {
      const { code, stdout } = await run(['chat', 'nobody', 'hi', '--json']);
      assert.equal(code, 1);
      assert.equal(RefusalBody.parse(JSON.parse(stdout)).error.code, 'not_found');
    });

    test('Ctrl-C while an agent answers', async (context) => {
      let left = false;
      const outcome = await run(['chat', 'second', 'slowly, left alone'], {
        onShown(shown, child) {
          if (!left && /One word/.test(shown)) left = child.kill('SIGINT');
        },
      });
      reads(context, outcome, 130, /the agent goes on; see .*trace show msg_/);
      // It waits behind that one in the lane.
      reads(context, await run(['chat', 'second', 'are you there?']), 0, /You said: are you there\?/);
      answeredOnce(home, 'slowly, left alone');
    });

    test('container killed from outside', async (context) => {
      assert.equal((await run(['chat', 'assistant', 'wake up'])).code, 0);
      const { agents } = await control.status();
      const id = agents.find(({ name }) => name === 'assistant')?.containerId ?? '';
      const direct = await createEngineClient({ kind: 'unix', path: engineSocket });
      const outcome = await run(['chat', 'assistant', 'slowly'], {
        onShown: once(/One word/, () => direct.killContainer(id)),
      });
      direct.close();
      reads(context, outcome, 0, /killed from outside/, /taken up again/, /This is the end\./);
      answeredOnce(home, 'slowly');
    });

    test('host killed', async (context) => {
      const { pid } = await control.status();
      const outcome = await run(['chat', 'assistant', 'slowly, and once more'], {
        onShown: once(/One word/, () => void process.kill(pid, 'SIGKILL')),
      });
      reads(context, outcome, 0, /host is away/, /taken up again/, /This is the end\./);
      answeredOnce(home, 'slowly, and once more');
    });

    test('engine gone in the middle of an answer, and back', async (context) => {
      const gone = once(/One word/, () => engine.goAway());
      const back = once(/cannot be reached/, () => engine.comeBack());
      const outcome = await run(['chat', 'second', 'slowly, without an engine'], {
        onShown(shown) {
          gone(shown);
          back(shown);
        },
      });
      reads(context, outcome, 0, /cannot be reached/, /message waits/, /taken up again/, /This is the end\./);
      answeredOnce(home, 'slowly, without an engine');
      const direct = await createEngineClient({ kind: 'unix', path: engineSocket });
      const installation = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 12);
      const labels = [LABELS.installation(installation), 'openlegion.agent=second'];
      const left = await direct.listContainers(labels);
      direct.close();
      assert.equal(left.length, 1, 'the container that was cut off is gone, and the new one is there');
    });
  });

  test('disk full: nothing new is accepted, what was accepted is answered when there is room', {
    skip: needsRoot,
  }, async (context) => {
    const home = makeHome(context);
    const data = dataPaths(home).directory;
    mkdirSync(data, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', data]);
    const run = (args: string[], options: CommandOptions = {}) =>
      runOpenLegion(home, args, { ...options, environment: { DOCKER_HOST: engine.host } });
    assert.equal((await run(['start', '-d'])).code, 0);
    const filler = join(data, 'filler');
    // Full from the first word on; what the agent answers ends while there is no room to note it.
    const said = Promise.withResolvers<void>();
    const filled = once(/One word/, () => fill(filler));
    const ended = once(/This is the end/, () => said.resolve());
    const accepted = run(['chat', 'assistant', 'slowly'], {
      onShown(shown) {
        filled(shown);
        ended(shown);
      },
    });
    await Promise.race([said.promise, accepted]);
    const long = 'x'.repeat(200_000);
    const refused = await run(['chat', 'assistant'], { input: long });
    rmSync(filler);
    reads(context, refused, 1, /disk is full/, /Free space/);
    reads(context, await accepted, 0, /This is the end\./);
    answeredOnce(home, 'slowly');
    answeredOnce(home, long, []);
    reads(context, await run(['chat', 'assistant', 'is there room?']), 0, /You said: is there room\?/);
  });

  test('the first time, as a user who is not root', { skip: needsRoot }, async (context) => {
    const home = makeHome(context);
    rmSync(join(home, 'config'), { recursive: true });
    chownSync(home, NOBODY, NOBODY);
    const run = (args: string[], options: CommandOptions = {}) =>
      runOpenLegion(home, args, {
        ...options,
        environment: { DOCKER_HOST: engine.host },
        nobody: { withoutEngine: false },
      });
    reads(context, await run(['start', '-d']), 1, /no configuration/, /--template/);
    const first = ['start', '-d', '--template', 'starter', '--provider', 'scripted', '--yes'];
    engine.goAway();
    reads(context, await run(first), 1, /Wrote .*config/, /DOCKER_HOST, cannot be reached/);
    engine.comeBack();
    // What was written stays; only the port is another one, since a test's machine may use that of the template.
    const mesh = join(home, 'config/mesh.yaml');
    writeFileSync(mesh, readFileSync(mesh, 'utf8').replace('port: 8420', 'port: 0'));
    reads(context, await run(['start', '-d']), 0, /OpenLegion runs/);
    reads(context, await run(['chat', 'assistant', 'hello']), 0, /Hello/);
    reads(context, await run(['stop']), 0, /Stopped/);
  });
});

function chownAll(home: string): void {
  const paths = [
    home,
    'config',
    'config/agents.yaml',
    'config/mesh.yaml',
    'config/permissions.json',
    'config/scripts',
    'config/scripts/assistant.yaml',
  ];
  for (const path of paths) chownSync(path === home ? home : join(home, path), NOBODY, NOBODY);
}

/** The scripted model beside a provider with a key. */
function fleetFiles(port: number): InstallationFiles {
  const agent = (name: string, model: string, more = '') =>
    `  ${name}: { model: ${model}, resources: { disk_limit: 32m }${more} }\n`;
  return {
    mesh: `mesh: { port: 0 }
llm:
  default_model: scripted/assistant
  providers:
    acme:
      base_url: http://127.0.0.1:${port}/v1
      dialect: openai-chat
      key: bearer
      models:
        good: { input_usd_per_million: 1, output_usd_per_million: 2 }
        retired: { input_usd_per_million: 1, output_usd_per_million: 2 }
`,
    agents: `agents:
${agent('assistant', 'scripted/assistant')}${agent('second', 'scripted/assistant')}${agent('caller', 'acme/good')}${agent('ghost', 'acme/retired')}${agent('typo', 'openai/gpt-4.1-mimi')}${agent('poor', 'scripted/assistant', ', budget: { daily_usd: 0.000001 }')}`,
    permissions: { permissions: { default: { allowed_apis: ['llm'] } } },
    scripts: FILES.scripts,
  };
}

function once(pattern: RegExp, act: () => unknown): (shown: string) => void {
  let done = false;
  return (shown) => {
    if (done || !pattern.test(shown)) return;
    done = true;
    act();
  };
}

/** Each message of this text, by its end: one that is done unless told otherwise. */
function answeredOnce(home: string, text: string, statuses = ['done']): void {
  using database = new DatabaseSync(dataPaths(home).meshDatabase, { readOnly: true });
  const rows = database.prepare('SELECT id, status FROM message WHERE text = ?').all(text);
  assert.deepEqual(
    rows.map(({ status }) => status),
    statuses,
  );
}

/** Takes what is left of a disk. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let piece = Buffer.alloc(1024 * 1024); piece.length > 0; piece = piece.subarray(piece.length / 2)) {
      for (;;) {
        try {
          writeSync(file, piece);
        } catch {
          break;
        }
      }
      if (piece.length === 1) break;
    }
  } finally {
    closeSync(file);
  }
}

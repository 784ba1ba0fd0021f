import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { findEngine } from '../packages/host/src/engine/find-engine.ts';
import { type CommandOutcome, NOBODY, runOpenLegion } from './harness/command-line.ts';
import { type EngineProxy, startEngineProxy } from './harness/engine-proxy.ts';
import { type InstallationFiles, writeConfig } from './harness/installation.ts';

/* What goes wrong for a person, and what they read: through the real command line, each message in the test's log. */

const RIGHT_KEY = 'sk-person-right-5c0ffee5c0ffee';
const WRONG_KEY = 'sk-person-wrong-0badc0de0badc0';

const root = process.getuid?.() === 0;
const needsRoot = root ? false : 'needs root';

const FILES: InstallationFiles = {
  mesh: 'mesh: { port: 0 }\nllm: { default_model: scripted/assistant }\n',
  agents: 'agents:\n  assistant: { model: scripted/assistant, resources: { disk_limit: 32m } }\n',
  permissions: { permissions: { assistant: { allowed_apis: ['llm'] } } },
  scripts: { assistant: "otherwise: { text: 'You said: {{user}}.' }\n" },
};

/** An installation's home; `nobody`: one that belongs to that user. Stopped and removed with the test. */
function makeHome(context: { after: TestContext['after'] }, files: Partial<InstallationFiles> = {}): string {
  const home = mkdtempSync(join(tmpdir(), 'openlegion-errors-'));
  writeConfig(home, { ...FILES, ...files });
  context.after(async () => {
    await runOpenLegion(home, ['stop']);
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

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { prepareSandboxes } from '../fleet/prepare-sandboxes.ts';
import { answerRefusal } from '../pipe/answer-refusal.ts';
import { connectPipe } from '../pipe/connect-pipe.ts';
import type { MeshHandler } from '../pipe/pipe.ts';
import type { SandboxBackend, SandboxSpec } from '../sandbox/sandbox-backend.ts';
import { runVerify, type VerifyOptions } from './verify.ts';

const PREFIX = 'CANARY0123456789abcdef';
let directory: string;
let ground: { backend: SandboxBackend; image: string };
const over = new AbortController();

before(async () => {
  directory = await mkdtemp(`${tmpdir()}/openlegion-verify-`);
  ground = await prepareSandboxes({
    environment: process.env,
    installation: 'verifytest',
    volumesDirectory: `${directory}/volumes`,
    sandbox: false,
    log: () => {},
    signal: over.signal,
  });
});
after(async () => {
  assert.equal(await ground.backend.removeLeftovers('verifytest'), 0, 'a sandbox was left behind');
  await rm(directory, { recursive: true, force: true });
});

/** The mesh in miniature: one route, which says who asks; all else refused. */
const mesh: MeshHandler = async ({ method, path, stream }) => {
  if (method === 'GET' && /^\/mesh\/introspect(?:\?|$)/.test(path)) {
    stream.respond({ ':status': 200 });
    stream.end('{"name":"probe"}');
    return;
  }
  answerRefusal(stream, { code: 'denied', rule: 'permissions.default', message: 'No.', remedy: 'Ask.' });
};

function options(backend: SandboxBackend, handle: MeshHandler = mesh): VerifyOptions {
  return {
    backend,
    image: ground.image,
    installation: 'verifytest',
    connectPipe,
    handle,
    signal: over.signal,
    agent: 'probe',
    otherAgent: 'researcher',
    canaryPrefix: PREFIX,
    hostTargets: [{ host: '127.0.0.1', port: 8420 }],
    egress: null,
    vaultProcesses: null,
    auditState: async () => ({ unbroken: true, records: 1, detail: 'a chain of one' }),
  };
}

test('a sandbox made from the template keeps every promise, or says which it cannot', async () => {
  const { guarantees } = await runVerify(options(ground.backend));
  const { cannotEnforce } = await ground.backend.capabilities();
  const broken = guarantees.filter(({ verdict }) => verdict === 'broken');
  assert.deepEqual(broken, []);
  const missing = guarantees.filter(({ verdict }) => verdict === 'cannot_be_given').map(({ why }) => why);
  assert.ok(missing.every((why) => cannotEnforce.some((declared) => declared.why === why)));
  assert.ok(guarantees.length >= 30, `only ${guarantees.length} guarantees`);
  assert.equal(new Set(guarantees.map(({ id }) => id)).size, guarantees.length);
});

test('a sandbox that is not held to its limits, and a mesh that believes what it is told, are found', async () => {
  const weak: SandboxBackend = {
    ...ground.backend,
    start: async (spec: SandboxSpec, signal) => {
      const loose = { ...spec, pids: 2000, memoryBytes: spec.memoryBytes * 4, cpus: 1 };
      return ground.backend.start(loose, signal);
    },
  };
  const gullible: MeshHandler = async ({ headers, stream }) => {
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify({ name: headers['x-agent-id'] ?? 'probe' }));
  };
  const { guarantees } = await runVerify(options(weak, gullible));
  const broken = guarantees.filter(({ verdict }) => verdict === 'broken').map(({ id }) => id);
  assert.deepEqual(broken.toSorted(), [
    'budget.no-grant',
    'host.identity',
    'host.no-grant',
    'host.unknown-routes',
    'limits.memory',
    'limits.processes',
    'limits.processor',
  ]);
});

test('a container in which nothing answers proves nothing, and says so', async () => {
  const dead: SandboxBackend = {
    ...ground.backend,
    start: (spec, signal) => ground.backend.start({ ...spec, command: ['true'] }, signal),
  };
  const { guarantees } = await runVerify(options(dead));
  const held = guarantees.filter(({ verdict }) => verdict === 'holds').map(({ id }) => id);
  assert.deepEqual(held, ['limits.end', 'audit.chain']);
});

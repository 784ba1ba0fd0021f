import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { fakeMesh } from '../testing/fake-mesh.ts';
import { runTool } from '../testing/run-tool.ts';
import { temporaryDirectory } from '../testing/turn-rig.ts';
import { createFleetTools } from './fleet-tools.ts';
import { createReadArtifact } from './read-artifact.ts';
import { createSaveArtifact } from './save-artifact.ts';

const saved = { key: 'artifacts/alice/out.csv', bytes: 3, sha256: 'x', version: 1 };

test('a file of the workspace is sent as it is, under a plain name', async () => {
  using directory = temporaryDirectory();
  writeFileSync(`${directory.path}/out.csv`, Buffer.from([0, 255, 10]));
  const sent: unknown[] = [];
  const mesh = {
    async call(call: { method: string; path: string; body?: string | Uint8Array }) {
      sent.push([call.method, call.path, [...Buffer.from(call.body ?? '')]]);
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(saved))]) };
    },
  };
  const tool = createSaveArtifact(mesh, directory.path);
  const result = await runTool(tool, { path: 'out.csv', name: 'q 1/out.csv' });
  assert.equal(result.output, 'saved 3 bytes as artifacts/alice/out.csv, version 1');
  assert.deepEqual(sent, [['PUT', '/mesh/artifacts/q%201/out.csv', [0, 255, 10]]]);
  for (const input of [{ path: 'none' }, { path: '.' }, { path: 'out.csv', name: '../x' }])
    assert.equal((await runTool(tool, input)).outcome, 'error');
  assert.equal(sent.length, 1);
});

test('an artifact is copied into the workspace whole or not at all', async () => {
  using directory = temporaryDirectory();
  const mesh = fakeMesh({ other: () => ({ body: ['he', 'llo'] }) });
  const tool = createReadArtifact(mesh, directory.path);
  assert.equal(
    (await runTool(tool, { key: 'artifacts/bob/a b.txt', path: 'in/a.txt' })).output,
    'copied to in/a.txt',
  );
  assert.equal(readFileSync(`${directory.path}/in/a.txt`, 'utf8'), 'hello');
  assert.equal(mesh.calls[0]?.path, '/mesh/artifacts/bob/a%20b.txt');
  const cut = fakeMesh({ other: () => ({ body: ['ha', new Error('cut')] }) });
  const half = await runTool(createReadArtifact(cut, directory.path), {
    key: 'artifacts/b/c',
    path: 'in/a.txt',
  });
  assert.equal(half.outcome, 'error');
  assert.equal(readFileSync(`${directory.path}/in/a.txt`, 'utf8'), 'hello');
  for (const input of [
    { key: 'context/x', path: 'a' },
    { key: 'artifacts/x', path: '../a' },
  ])
    assert.match((await runTool(tool, input)).output, /wrong arguments/);
});

test('an agent is spawned once for one call; a history is told line by line; denials are read with their rules', async () => {
  const agent = { name: 'alice-s1', role: 'r', taskId: 't1', endsAt: 'then' };
  const entries = [{ id: 1, messageId: 'm', role: 'user', text: 'hi', at: 'now' }];
  const mesh = fakeMesh({
    other: ({ path }) => ({
      body: path === '/mesh/spawn' ? agent : path === '/mesh/notify' ? {} : { entries },
    }),
  });
  const tools = new Map(createFleetTools(mesh).map((tool) => [tool.name, tool]));
  const run = (name: string, input: unknown) => {
    const tool = tools.get(name);
    assert.ok(tool);
    return runTool(tool, input);
  };
  const asked = { role: 'r', instructions: '', task: 'do', tools: ['exec'] };
  assert.equal((await run('spawn_agent', asked)).output, 'alice-s1 works on task t1; it is removed at then');
  assert.deepEqual(mesh.calls[0]?.body, {
    ...asked,
    ...{ lifetimeSeconds: 3600, domains: [], credentials: [], idempotencyKey: 'm1:call_1_0' },
  });
  assert.equal((await run('read_agent_history', { agent: 'bob' })).output, 'now user: hi');
  assert.equal((await run('notify_user', { text: 'done' })).output, 'told');
  for (const [name, input] of [
    ['spawn_agent', { ...asked, lifetimeSeconds: 59 }],
    ['spawn_agent', { ...asked, idempotencyKey: 'mine' }],
    ['read_agent_history', { agent: '../bob' }],
    ['notify_user', { text: '' }],
  ] as const)
    assert.match((await run(name, input)).output, /wrong arguments/);
  assert.equal(mesh.calls.length, 3);
});

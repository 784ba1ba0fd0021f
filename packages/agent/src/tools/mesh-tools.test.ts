import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeMesh } from '../testing/fake-mesh.ts';
import { runTool } from '../testing/run-tool.ts';
import { defineTools } from './define-tools.ts';
import { createHandOff } from './hand-off.ts';
import { createListAgents } from './list-agents.ts';
import { createOutputFiles } from './output-files.ts';

const denied = {
  type: 'error',
  error: {
    type: 'openlegion_refusal',
    code: 'denied',
    rule: 'permissions.a.can_message',
    message: 'a may not message b.',
    remedy: 'Add it.',
  },
};

test('hand_off names the call, so that the same call is the same task', async () => {
  const mesh = fakeMesh({ other: () => ({ body: { taskId: 't9', to: 'qualifier' } }) });
  const result = await runTool(createHandOff(mesh), { to: 'qualifier', task: 'look at this' });
  assert.deepEqual(result, { outcome: 'ok', output: 'handed to qualifier as task t9' });
  assert.deepEqual(mesh.calls[0]?.body, {
    to: 'qualifier',
    task: 'look at this',
    idempotencyKey: 'm1:call_1_0',
  });
});

test('a refusal of the mesh is read by the model with its rule', async () => {
  const mesh = fakeMesh({ other: () => ({ status: 403, body: denied }) });
  for (const [tool, input] of [
    [createHandOff(mesh), { to: 'b', task: 'x' }],
    [createListAgents(mesh), {}],
  ] as const) {
    const result = await runTool(tool, input);
    assert.equal(result.outcome, 'refused');
    assert.match(result.output, /a may not message b\. \(permissions\.a\.can_message\) Add it\./);
  }
});

test('hand_off takes names and capabilities, no other keys, no task beyond its bound', async () => {
  const mesh = fakeMesh({ other: () => ({ body: { taskId: 't', to: 'b' } }) });
  const tool = createHandOff(mesh);
  assert.equal((await runTool(tool, { to: 'capability:review', task: 'x' })).outcome, 'ok');
  for (const input of [
    { to: 'mesh', task: 'x' },
    { to: '../b', task: 'x' },
    { to: 'b', task: '' },
    { to: 'b', task: 'x'.repeat(65_537) },
    { to: 'b', task: 'x', idempotencyKey: 'mine' },
  ]) {
    assert.match((await runTool(tool, input)).output, /wrong arguments/);
  }
  assert.equal(mesh.calls.length, 1);
});

test('list_agents shows names, roles and capabilities', async () => {
  const agents = [
    { name: 'qualifier', role: 'qualify', capabilities: ['score'] },
    { name: 'outreach', role: '', capabilities: [] },
  ];
  const mesh = fakeMesh({ other: () => ({ body: { agents } }) });
  assert.equal(
    (await runTool(createListAgents(mesh), {})).output,
    'qualifier: qualify (score)\noutreach: no role given',
  );
});

test('only granted tools are offered, with schemas that providers take', () => {
  const offered = defineTools({
    workspace: '/w',
    mesh: fakeMesh({}),
    outputs: createOutputFiles('/o'),
    send: () => assert.fail('sent'),
    environment: {},
    granted: ['exec', 'list_agents', 'unheard_of'],
  });
  assert.deepEqual([...offered.tools.keys()], ['exec', 'list_agents']);
  assert.ok(offered.withheld.has('web_search') && !offered.withheld.has('exec'));
  const [exec] = offered.definitions;
  assert.equal(exec?.inputSchema.type, 'object');
  assert.equal(exec?.inputSchema.additionalProperties, false);
  assert.deepEqual(exec?.inputSchema.required, ['command']);
  assert.equal(exec?.inputSchema.$schema, undefined);
});

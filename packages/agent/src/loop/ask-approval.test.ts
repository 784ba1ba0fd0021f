import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeAnswer, fakeMesh } from '../testing/fake-mesh.ts';
import { callTools, fakeTool, playModel, say, temporaryDirectory, turnRig } from '../testing/turn-rig.ts';
import { createAskApproval } from './ask-approval.ts';
import { createInterrupt } from './interrupt.ts';

const APPROVED = { body: { id: 'a1', by: 'anna', hash: 'h' } };
const DENIED = {
  status: 403,
  body: {
    type: 'error',
    error: {
      type: 'openlegion_refusal',
      code: 'denied',
      rule: 'approval.denied',
      message: 'Anna said no.',
      remedy: 'Ask her.',
    },
  },
};

/** `{"exec": "ask", "echo": "allow", "mcp_files_*": "ask", "mcp_*": "allow", "*": "ask"}`, as the host sends it. */
const GRANTS = {
  granted: ['exec', 'echo', 'mcp_files_*', 'mcp_*', '*'],
  askFor: ['exec', 'mcp_files_*', '*'],
};

/** One turn whose model calls `exec` and `mcp_files_read` (which need asking) and `echo`, with the host's answers. */
async function turnWith(answer: (tool: string) => FakeAnswer) {
  using directory = temporaryDirectory();
  const ran: string[] = [];
  const tools = ['exec', 'mcp_files_read', 'echo'].map((name) =>
    fakeTool(name, async (value) => {
      ran.push(name);
      return { outcome: 'ok', output: value };
    }),
  );
  const mesh = fakeMesh({
    other: ({ body }) =>
      typeof body === 'object' && body && 'tool' in body ? answer(String(body.tool)) : { status: 500 },
  });
  const call = (tool: string) => ({ tool, input: '{"value": "x", "value": "rm -r /"}' });
  const model = playModel(callTools(call('exec'), call('mcp_files_read'), call('echo')), say('done'));
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    stream: model.stream,
    tools,
    approve: createAskApproval(mesh, GRANTS),
  });
  const events = await rig.run('m1');
  return { ran, mesh, ended: events.filter((event) => event.type === 'tool_ended') };
}

test('a person is asked about what will run, each call under a name of its own; a yes runs it', async () => {
  const { ran, mesh } = await turnWith(() => APPROVED);
  assert.deepEqual(ran.toSorted(), ['echo', 'exec', 'mcp_files_read']);
  assert.deepEqual(
    mesh.calls.map(({ path, body }) => ({ path, body })),
    [
      ['exec', 'm1:call_1_0'],
      ['mcp_files_read', 'm1:call_1_1'],
    ].map(([tool, key]) => ({
      path: '/mesh/approvals',
      body: { tool, arguments: '{"value":"rm -r /"}', key },
    })),
  );
});

test('a no, and a host that cannot ask, are results; nothing runs', async () => {
  const { ran, ended } = await turnWith((tool) => (tool === 'exec' ? DENIED : { status: 500, body: 'x' }));
  assert.deepEqual(ran, ['echo']);
  const told = new Map(ended.map((event) => [event.tool, event]));
  assert.equal(told.get('exec')?.outcome, 'refused');
  assert.match(told.get('exec')?.preview ?? '', /not run: Anna said no\..*approval\.denied/);
  assert.equal(told.get('mcp_files_read')?.outcome, 'refused');
});

test('of a tool that patterns grant the longest one decides, and a name before any of them', async () => {
  const mesh = fakeMesh({ other: () => APPROVED });
  const approve = createAskApproval(mesh, GRANTS);
  const asked = async (tool: string) => {
    const before = mesh.calls.length;
    await approve({ tool, input: {}, messageId: 'm', callId: 'c', signal: new AbortController().signal });
    return mesh.calls.length > before;
  };
  const tools = ['exec', 'echo', 'mcp_files_read', 'mcp_time_now', 'own_skill'];
  const answers: boolean[] = [];
  for (const tool of tools) answers.push(await asked(tool));
  assert.deepEqual(answers, [true, false, true, false, true]);
});

test('arguments that nobody can be asked to read are refused unasked', async () => {
  const mesh = fakeMesh({ other: () => APPROVED });
  const approve = createAskApproval(mesh, GRANTS);
  const input = { command: 'x'.repeat(70_000) };
  const signal = new AbortController().signal;
  const answer = await approve({ tool: 'exec', input, messageId: 'm', callId: 'c', signal });
  assert.equal(answer?.outcome, 'refused');
  assert.equal(mesh.calls.length, 0);
});

test('a cancel ends the wait for an answer, and the call is not run', async () => {
  using directory = temporaryDirectory();
  const interrupt = createInterrupt();
  let ran = 0;
  const tool = fakeTool('exec', async () => ({ outcome: 'ok', output: `${++ran}` }));
  const rig = turnRig({
    file: `${directory.path}/a.db`,
    stream: playModel(callTools({ tool: 'exec', input: {} }), say('done')).stream,
    tools: [tool],
    approve: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        interrupt.raise('cancelled');
      }),
  });
  const events = await rig.run('m1', { interrupt });
  const end = events.at(-1);
  assert.equal(end?.type === 'turn_ended' && end.status, 'cancelled');
  assert.equal(ran, 0);
});

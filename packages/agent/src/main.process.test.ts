import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { TurnEvent } from '@openlegion/contract/turn-event';
import { ROUTE, type SeenCall } from './testing/fake-mesh.ts';
import { EXTRAS } from './testing/model-rig.ts';
import { spawnAgent } from './testing/spawn-agent.ts';
import { chatAnswer, chatCalls } from './testing/sse.ts';
import { temporaryDirectory } from './testing/turn-rig.ts';

const data = await mkdtemp(`${tmpdir()}/agent-`);
after(() => rm(data, { recursive: true }));

const START = {
  name: 'assistant',
  role: 'helper',
  model: 'scripted/assistant',
  maxTokens: 100,
  temperature: 0.5,
  thinking: 'off',
  systemPrompt: 'Be brief.',
  initialInstructions: '',
  tools: ['exec', 'write_file'],
  egress: { authorityPem: '', environment: {} },
  extras: EXTRAS,
};

function scripted(...answers: string[][]) {
  let next = 0;
  return (call: SeenCall, stream: import('node:http2').ServerHttp2Stream) => {
    if (call.path === '/mesh/route') {
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      stream.end(JSON.stringify(ROUTE));
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
    stream.end(answers[next++]?.join(''));
  };
}

test('a started agent answers a message with tools, and the same message again from its history', {
  timeout: 20_000,
}, async ({ signal }) => {
  const main = `${import.meta.dirname}/main.ts`;
  const loud = {
    id: 'x',
    name: 'exec',
    arguments: '{"command":"echo hello from $PWD; echo oops >&2; exit 3"}',
  };
  const first = spawnAgent({
    main,
    data,
    signal,
    mesh: scripted(chatCalls(loud), chatAnswer('It says hello.')),
  });
  assert.deepEqual(JSON.parse((await first.request('GET', '/status')).text), {
    state: 'waiting',
    version: '0.1.0',
    progress: 0,
  });
  assert.equal((await first.request('POST', '/chat/stream', {})).status, 503);
  assert.equal((await first.request('POST', '/start', { ...START, extra: 1 })).status, 400);
  assert.equal((await first.request('POST', '/start', START)).status, 204);
  assert.equal((await first.request('POST', '/start', START)).status, 409);

  const message = { messageId: 'm1', traceId: 't1', from: 'user', text: 'say hello' };
  const answer = await first.request('POST', '/chat/stream', message);
  const events = answer.text
    .trim()
    .split('\n')
    .map((line) => TurnEvent.parse(JSON.parse(line)));
  assert.deepEqual(
    events.map((event) => event.type),
    [
      'turn_started',
      'model_call',
      'tool_started',
      'tool_ended',
      'model_call',
      'text_delta',
      'text_delta',
      'turn_ended',
    ],
  );
  const ended = events.find((event) => event.type === 'tool_ended');
  assert.equal(ended?.outcome, 'error');
  assert.match(ended?.preview ?? '', /hello from .*workspace/);
  assert.match(ended?.preview ?? '', /oops[\s\S]*exit code 3/);
  assert.deepEqual(events.at(-1), { type: 'turn_ended', status: 'complete', text: 'It says hello.' });

  const history = JSON.parse((await first.request('GET', '/history?limit=10')).text);
  assert.deepEqual(
    history.entries.map((entry: { role: string }) => entry.role),
    ['user', 'assistant', 'tool', 'assistant'],
  );
  first.end();
  assert.equal(await first.exited, 0);
  assert.equal(await first.stderr, '');

  const second = spawnAgent({ main, data, signal, mesh: scripted() });
  assert.equal((await second.request('POST', '/start', START)).status, 204);
  const again = await second.request('POST', '/chat/stream', message);
  assert.equal(
    again.text,
    '{"type":"turn_started","resumed":true}\n{"type":"turn_ended","status":"complete","text":"It says hello."}\n',
  );
  assert.deepEqual(second.calls, []);
  const other = await second.request('POST', '/chat/stream', { ...message, text: 'something else' });
  assert.equal(other.status, 409);
  second.end();
  assert.equal(await second.exited, 0);
});

test('a task in a real process: the project’s rules, a person’s file, notes, a helper, a person’s yes, a structured result', {
  timeout: 20_000,
}, async ({ signal }) => {
  using directory = temporaryDirectory();
  const answers = scripted(
    chatCalls({ id: 'x', name: 'spawn_subagent', arguments: '{"task":"count"}' }),
    chatCalls({ id: 'y', name: 'exec', arguments: '{"command":"echo 4"}' }),
    chatAnswer('four'),
    chatAnswer('{"result": {"count": 4}, "promote": {"context/count": 4}}'),
  );
  const agent = spawnAgent({
    main: `${import.meta.dirname}/main.ts`,
    data: directory.path,
    signal,
    mesh: (call, stream) => {
      if (call.path !== '/mesh/approvals') return answers(call, stream);
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      stream.end('{"id":"a1","by":"anna","hash":"h"}');
    },
  });
  const extras = { ...EXTRAS, project: 'Count in whole numbers.', askFor: ['exec'] };
  const started = { ...START, tools: ['exec', 'spawn_subagent', 'list_subagents'], extras };
  assert.equal((await agent.request('POST', '/start', started)).status, 204);
  assert.equal((await agent.request('PUT', '/workspace/AGENTS.md', 'Hidden files too.')).status, 204);
  await writeFile(`${directory.path}/workspace/MEMORY.md`, 'Nobody knows who wrote this.');
  const outputSchema = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
  const answer = await agent.request('POST', '/chat/stream', {
    ...{ messageId: 'm1', traceId: 't1', from: 'planner', text: 'count the files', mode: 'task' },
    task: { type: 'count', input: { folder: '.' }, context: null, outputSchema },
  });
  const events = answer.text
    .trim()
    .split('\n')
    .map((line) => TurnEvent.parse(JSON.parse(line)));
  const end = events.at(-1);
  assert.ok(end?.type === 'turn_ended', answer.text);
  assert.deepEqual([end.result, end.promotions], [{ count: 4 }, [{ key: 'context/count', value: 4 }]]);
  const asked = agent.calls.filter(({ path }) => path === '/mesh/approvals').map(({ body }) => body);
  assert.deepEqual(asked, [{ tool: 'exec', arguments: '{"command":"echo 4"}', key: 'm1/call_1_0:call_1_0' }]);
  const prompts = agent.calls
    .filter(({ path }) => path.startsWith('/llm/'))
    .map(({ body }) => JSON.stringify(body));
  assert.equal(prompts.length, 4);
  for (const prompt of prompts) {
    assert.match(prompt, /<project>\\nCount in whole numbers\./);
    assert.match(prompt, /<workspace_file name=\\"AGENTS\.md\\">\\n\\"Hidden files too/);
    assert.match(prompt, /<own_notes name=\\"MEMORY\.md\\">\\nNobody knows/);
  }
  assert.match(
    prompts[0] ?? '',
    /task_input.*folder.*task_output_schema|task_output_schema.*task_input.*folder/s,
  );
  assert.match(prompts[3] ?? '', /"content":"four"/);
  agent.end();
  assert.equal(await agent.exited, 0);
  assert.equal(await agent.stderr, '');
});

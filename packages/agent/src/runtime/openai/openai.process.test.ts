import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { createInterrupt } from '../../loop/interrupt.ts';
import { temporaryDirectory } from '../../testing/turn-rig.ts';
import { endOf, programRig } from '../test/program-rig.ts';

/** A server that does what the last message says. */
const SERVER = `
import { createServer } from 'node:http';
import { appendFileSync } from 'node:fs';
appendFileSync('starts', 'x');
if (process.env.FAIL) { console.error('no such model'); process.exit(1); }
const server = createServer(async (request, response) => {
  if (request.method === 'GET') return response.writeHead(404).end();
  let body = '';
  for await (const chunk of request) body += chunk;
  const { messages, model, stream } = JSON.parse(body);
  const said = messages.at(-1).content;
  const send = (delta, finish_reason = null) => response.write('data: ' + JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] }) + '\\n\\n');
  if (said === 'fail') return response.writeHead(500).end('out of tokens');
  if (said === 'exit') process.exit(3);
  if (said === 'whole') return response.end(JSON.stringify({ choices: [{ message: { content: 'one piece' }, finish_reason: 'stop' }] }));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (said === 'garbage') return response.end(': hello\\ndata: {\\n\\ndata: []\\n\\nrubbish');
  if (said === 'error') return response.end('data: {"error":{"message":"over budget"}}\\n\\n');
  send({ role: 'assistant', reasoning_content: 'hm' });
  if (said === 'cut') { send({ content: 'ha' }); return setTimeout(() => response.destroy(), 50); }
  if (said === 'wait') { send({ content: 'waiting' }); request.socket.on('close', () => appendFileSync('left', 'x')); return; }
  if (said === 'calls') { send({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{}' } }] }); send({}, 'tool_calls'); return response.end('data: [DONE]\\n\\n'); }
  send({ content: JSON.stringify({ messages, model, stream }) });
  send({}, 'stop');
  response.end('data: [DONE]\\n\\n');
});
server.listen(Number(process.env.PORT), '127.0.0.1');
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address ? address.port : 0;
}

async function rigOf(directory: string, env: Record<string, string> = {}) {
  const port = await freePort();
  return programRig(
    directory,
    ({ program }) => ({
      command: program('server', SERVER),
      protocol: 'openai',
      port,
      env: { PORT: String(port), ...env },
    }),
    { systemPrompt: 'Be kind.' },
  );
}

test('a server is started once, is given the conversation with each message, and is started again after its end', async () => {
  using directory = temporaryDirectory();
  const rig = await rigOf(directory.path);
  const first = await rig.run('m1', { text: 'one' });
  assert.deepEqual(JSON.parse(endOf(first).text), {
    messages: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'one' },
    ],
    model: 'scripted/m',
    stream: true,
  });
  assert.ok(first.some((event) => event.type === 'reasoning_delta'));
  assert.equal(endOf(await rig.run('m2', { text: 'whole' })).text, 'one piece');
  const { messages } = JSON.parse(endOf(await rig.run('m3', { text: 'three' })).text);
  assert.deepEqual(
    messages.map(({ role }: { role: string }) => role),
    ['system', 'user', 'assistant', 'user', 'assistant', 'user'],
  );
  assert.equal(readFileSync(`${rig.workspace}/starts`, 'utf8'), 'x');
  assert.equal(endOf(await rig.run('m4', { text: 'exit' })).refusal?.rule, 'runtime.failed');
  assert.equal(endOf(await rig.run('m5', { text: 'whole' })).text, 'one piece');
  assert.equal(readFileSync(`${rig.workspace}/starts`, 'utf8'), 'xx');
});

test('what is no answer is a failure that says why', async () => {
  using directory = temporaryDirectory();
  const rig = await rigOf(directory.path);
  for (const [text, why] of [
    ['fail', /status 500[\s\S]*out of tokens/],
    ['error', /over budget/],
    ['garbage', /broke its answer off/],
    ['cut', /broke its answer off/],
    ['calls', /has to call its tools itself/],
  ] as const) {
    const end = endOf(await rig.run(text, { text }));
    assert.equal(end.status, 'failed', text);
    assert.match(end.refusal?.message ?? '', why);
  }
});

test('a cancel leaves the server running, and ends the call', async () => {
  using directory = temporaryDirectory();
  const rig = await rigOf(directory.path);
  const interrupt = createInterrupt();
  const events = await rig.run('m1', {
    text: 'wait',
    interrupt,
    onEvent: (event) => {
      if (event.type === 'text_delta') interrupt.raise('cancelled');
    },
  });
  assert.deepEqual([endOf(events).status, endOf(events).text], ['cancelled', 'waiting']);
  assert.equal(endOf(await rig.run('m2', { text: 'whole' })).text, 'one piece');
  assert.equal(readFileSync(`${rig.workspace}/starts`, 'utf8'), 'x');
});

test('a server that ends at its start is said with its last words', async () => {
  using directory = temporaryDirectory();
  const rig = await rigOf(directory.path, { FAIL: '1' });
  assert.match(
    endOf(await rig.run('m1')).refusal?.message ?? '',
    /ended before it answered[\s\S]*no such model/,
  );
});

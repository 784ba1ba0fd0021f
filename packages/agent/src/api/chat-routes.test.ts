import assert from 'node:assert/strict';
import { connect, createServer } from 'node:http2';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createHistory } from '../history/create-history.ts';
import { openDatabase } from '../history/open-database.ts';
import type { ModelStream } from '../model/model-stream.ts';
import { ours } from '../prompt/prompt-text.ts';
import { callTools, fakeTool, playModel, say, temporaryDirectory } from '../testing/turn-rig.ts';
import type { AnyTool } from '../tools/tool.ts';
import { createWorkspace } from '../workspace/create-workspace.ts';
import { createAgentApi } from './create-agent-api.ts';
import { createChatRoutes } from './create-chat-routes.ts';

const START = {
  name: 'assistant',
  role: '',
  model: 'scripted/m',
  maxTokens: 10,
  temperature: 0,
  thinking: 'off',
  systemPrompt: '',
  initialInstructions: '',
  tools: [],
  egress: { authorityPem: '', environment: {} },
  extras: {},
};
const message = (messageId: string) => ({ messageId, traceId: 't', from: 'user', text: 'do it' });

/** The agent's routes over real HTTP/2, with a model and tools of the test's own. */
async function serve(directory: string, stream: ModelStream, tools: readonly AnyTool[] = []) {
  const logged: unknown[] = [];
  const handle = createAgentApi({
    paths: {
      data: directory,
      database: `${directory}/agent.db`,
      workspace: `${directory}/workspace`,
      toolOutput: `${directory}/out`,
      skills: `${directory}/skills`,
    },
    openDatabase: async (path) => openDatabase(path),
    openWayOut: async () => {},
    loadChatRoutes: async ({ database, paths }, progress) => {
      const history = createHistory(database, () => new Date(0).toISOString());
      return createChatRoutes({
        history,
        progress,
        workspace: createWorkspace(paths.workspace),
        prune: () => {},
        turn: {
          history,
          stream,
          offer: async () => ({
            tools: new Map(tools.map((tool) => [tool.name, tool])),
            withheld: new Set(),
            definitions: [],
            sections: [],
          }),
          runner: {
            approve: async () => undefined,
            fitOutput: async (_message, _call, output) => output,
            clock: () => 0,
            abortGraceMs: 5,
          },
          prompt: async ({ message }) => ({
            system: ours``,
            turns: [{ messageId: message.messageId, messages: [] }],
            tools: [],
          }),
          log: (error) => logged.push(error),
        },
      });
    },
    log: (error) => logged.push(error),
  });
  const server = createServer();
  server.on('stream', (http2Stream, headers) => {
    http2Stream.on('error', () => {});
    const request = { method: String(headers[':method']), path: String(headers[':path']), headers };
    void handle({ ...request, stream: http2Stream });
  });
  const [left, right] = duplexPair();
  server.emit('connection', left);
  const session = connect('http://agent', { createConnection: () => right });
  const open = (method: string, path: string, body?: unknown) => {
    const opened = session.request({ ':method': method, ':path': path });
    opened.end(Buffer.isBuffer(body) ? body : body === undefined ? undefined : JSON.stringify(body));
    return opened;
  };
  const request = async (method: string, path: string, body?: unknown) => {
    const opened = open(method, path, body);
    const answer = text(opened);
    const status = new Promise<number>((resolve) =>
      opened.once('response', (headers) => resolve(Number(headers[':status']))),
    );
    return { status: await status, text: await answer };
  };
  assert.equal((await request('POST', '/start', START)).status, 204);
  return { request, open, logged, [Symbol.dispose]: () => session.destroy() };
}

/** A tool that waits until it is let go or stopped, and a promise for its beginning. */
function waitingTool() {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const tool = fakeTool('wait', async (_value, { signal }) => {
    begun.resolve();
    const stopped = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([go.promise, stopped]);
    return { outcome: 'ok', output: 'waited' };
  });
  return { tool, begun: begun.promise, go: () => go.resolve() };
}

test('one turn at a time: busy shows in the status, and a second message is refused', async () => {
  using directory = temporaryDirectory();
  const waiting = waitingTool();
  const model = playModel(callTools({ tool: 'wait', input: {} }), say('done'));
  using agent = await serve(directory.path, model.stream, [waiting.tool]);
  const first = agent.request('POST', '/chat/stream', message('m1'));
  await waiting.begun;
  const status = JSON.parse((await agent.request('GET', '/status')).text);
  assert.equal(status.state, 'busy');
  assert.equal(status.messageId, 'm1');
  assert.ok(status.progress > 0);
  for (const id of ['m1', 'm2']) {
    assert.equal((await agent.request('POST', '/chat/stream', message(id))).status, 409);
  }
  assert.equal((await agent.request('POST', '/chat/reset')).status, 409);
  waiting.go();
  assert.match((await first).text, /"status":"complete"/);
  assert.equal(JSON.parse((await agent.request('GET', '/status')).text).state, 'idle');
  assert.equal((await agent.request('POST', '/chat/reset')).status, 204);
});

test('steer and cancel reach the turn under way, and nothing else', async () => {
  using directory = temporaryDirectory();
  const waiting = waitingTool();
  const model = playModel(callTools({ tool: 'wait', input: {} }), callTools({ tool: 'wait', input: {} }));
  using agent = await serve(directory.path, model.stream, [waiting.tool]);
  assert.equal((await agent.request('POST', '/chat/steer', { text: 'x' })).status, 409);
  assert.equal((await agent.request('POST', '/cancel', { messageId: 'm1' })).status, 404);
  const first = agent.request('POST', '/chat/stream', message('m1'));
  await waiting.begun;
  assert.equal((await agent.request('POST', '/chat/steer', { text: '' })).status, 400);
  assert.equal((await agent.request('POST', '/chat/steer', { text: 'the other way' })).status, 202);
  assert.equal((await agent.request('POST', '/cancel', { messageId: 'm2' })).status, 404);
  assert.equal((await agent.request('POST', '/cancel', { messageId: 'm1' })).status, 202);
  assert.match((await first).text, /"outcome":"cancelled"[\s\S]*"status":"cancelled"/);
  assert.equal(model.requests.length, 1);
});

test('a host that closes the stream stops the turn, which its message then resumes', async () => {
  using directory = temporaryDirectory();
  const waiting = waitingTool();
  const model = playModel(callTools({ tool: 'wait', input: {} }), say('done after all'));
  using agent = await serve(directory.path, model.stream, [waiting.tool]);
  const gone = agent.open('POST', '/chat/stream', message('m1'));
  gone.on('error', () => {});
  await waiting.begun;
  gone.close();
  let again = await agent.request('POST', '/chat/stream', message('m1'));
  while (again.status === 409) again = await agent.request('POST', '/chat/stream', message('m1'));
  assert.match(again.text, /"resumed":true[\s\S]*done after all/);
  assert.equal(model.requests.length, 2);
});

test('a reader that does not read holds the model back', async () => {
  using directory = temporaryDirectory();
  let told = 0;
  const stream: ModelStream = async function* () {
    yield { type: 'routed', model: 'scripted/m' };
    for (; told < 10_000; told++) {
      yield { type: 'text', text: 'x'.repeat(32_768) };
    }
  };
  using agent = await serve(directory.path, stream);
  const unread = agent.open('POST', '/chat/stream', message('m1'));
  unread.pause();
  unread.on('error', () => {});
  for (let asked = 0; asked < 5; asked++) await agent.request('GET', '/status');
  const before = told;
  await agent.request('GET', '/status');
  assert.ok(told < 500 && told === before, `told ${told}`);
  unread.close();
});

test('bodies that are wrong or too large are refused with what is wrong', async () => {
  using directory = temporaryDirectory();
  using agent = await serve(directory.path, playModel(say('x')).stream);
  const cases: [string, string, unknown, number][] = [
    ['POST', '/chat/stream', { ...message('m1'), extra: 1 }, 400],
    ['POST', '/chat/stream', { ...message('m1'), text: undefined }, 400],
    ['POST', '/chat/stream', { ...message('x'.repeat(101)) }, 400],
    ['POST', '/chat/stream', Buffer.from('{"messageId":'), 400],
    ['POST', '/chat/stream', Buffer.alloc(2 * 1024 * 1024 + 1, 32), 413],
    ['POST', '/cancel', Buffer.alloc(5000, 32), 413],
    ['GET', '/nothing', undefined, 404],
    ['DELETE', '/workspace/a', undefined, 404],
    ['POST', '/start', START, 409],
  ];
  for (const [method, path, body, status] of cases) {
    const answer = await agent.request(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}`);
    const { error } = JSON.parse(answer.text);
    assert.equal(error.type, 'openlegion_refusal');
    assert.ok(error.rule && error.message && error.remedy);
  }
  assert.deepEqual(agent.logged, []);
});

test('workspace files go in and out as bytes, under any way of writing their path', async () => {
  using directory = temporaryDirectory();
  using agent = await serve(directory.path, playModel(say('x')).stream);
  assert.equal((await agent.request('PUT', '/workspace/notes/a%20b.md', Buffer.from('héllo'))).status, 204);
  assert.equal((await agent.request('GET', '/workspace/notes/a%20b.md')).text, 'héllo');
  assert.deepEqual(JSON.parse((await agent.request('GET', '/workspace')).text), {
    files: [{ path: 'notes/a b.md', bytes: 6 }],
  });
  for (const path of ['..%2fagent.db', '../agent.db', '%2e%2e/agent.db', '%', 'a?b', 'a%00', '']) {
    const answer = await agent.request('GET', `/workspace/${path}`);
    assert.match(String(answer.status), /400|404/, path);
  }
  assert.equal((await agent.request('GET', '/workspace/none.md')).status, 404);
});

test('history is read from its newest end', async () => {
  using directory = temporaryDirectory();
  using agent = await serve(directory.path, playModel(say('hello')).stream);
  for (const id of ['m1', 'm2', 'm3']) await agent.request('POST', '/chat/stream', message(id));
  const page = JSON.parse((await agent.request('GET', '/history?limit=3')).text);
  assert.deepEqual(
    page.entries.map((entry: { messageId: string; role: string }) => [entry.messageId, entry.role]),
    [
      ['m2', 'assistant'],
      ['m3', 'user'],
      ['m3', 'assistant'],
    ],
  );
});

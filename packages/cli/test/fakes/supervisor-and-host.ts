/**
 * A control API for tests of the commands, in the place of a running installation at HOME (the argument): writes
 * supervisor.json and control.token, answers from a script, and breaks the first event stream in the middle, as a
 * host that is killed does. Ends with its standard input.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const home = process.argv[2] ?? '';
const TOKEN = 'test-token';
const spending = {
  spentTodayMicroUsd: 1_234_567,
  spentMonthMicroUsd: 2_000_000,
  reservedMicroUsd: 0,
  dailyMicroUsd: 5_000_000,
  monthlyMicroUsd: 100_000_000,
  calls: 3,
  inputTokens: 100,
  outputTokens: 50,
};
const agent = (name: string) => ({
  name,
  role: 'helps \u001b[31mred',
  model: 'scripted/assistant',
  state: 'idle',
  containerId: 'abcdef0123456789',
  queued: 0,
  memoryBytes: 52_428_800,
  restarts: 0,
  spentTodayMicroUsd: 1_234_567,
  dailyMicroUsd: 5_000_000,
  reason: null,
});
const refusal = {
  code: 'budget_exceeded',
  rule: 'budget.assistant.daily',
  message: 'The budget is spent.',
  remedy: 'Raise it in config/agents.yaml.',
};

let streams = 0;
const messages = new Map<string, string>();
const keys = new Set<string>();

function events(messageId: string, text: string) {
  const base = { at: '2026-11-21T00:00:00.000Z', agent: 'assistant', messageId, traceId: 't1' };
  const turn = (event: object) => ({ type: 'turn', turn: event });
  const fails = text.includes('spend');
  const list = [
    { type: 'message_accepted', from: 'operator', text },
    turn({ type: 'turn_started', resumed: false }),
    turn({ type: 'tool_started', callId: 'c1', tool: 'exec', arguments: '{"command":"ls"}' }),
    turn({ type: 'tool_ended', callId: 'c1', tool: 'exec', outcome: 'ok', preview: 'a\nb', durationMs: 3 }),
    turn({ type: 'text_delta', text: 'You ' }),
    turn({ type: 'text_delta', text: `said: ${text}\u001b]0;owned\u0007` }),
    ...(fails ? [{ type: 'refused', refusal }] : []),
    {
      type: 'message_settled',
      status: fails ? 'failed' : 'done',
      reply: fails ? null : `You said: ${text}`,
      refusal: fails ? refusal : null,
      chargedMicroUsd: 1200,
    },
    { type: 'trace_settled' },
  ];
  return list.map((event, index) => ({ seq: index + 1, ...base, event }));
}

function stream(url: URL, response: ServerResponse) {
  const id = url.searchParams.get('message') ?? '';
  const after = Number(url.searchParams.get('after') ?? 0);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  streams += 1;
  for (const event of events(id, messages.get(id) ?? '').filter(({ seq }) => seq > after)) {
    if (streams === 1 && event.seq === 6) {
      response.destroy();
      return;
    }
    response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

async function answer(request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const json = (value: unknown, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return json({}, 401);
  let body = '';
  for await (const chunk of request) body += String(chunk);
  if (url.pathname === '/api/status') {
    return json({
      version: '0.1.0',
      pid: process.pid,
      startedAt: '2026-11-21T00:00:00.000Z',
      engine: { name: 'docker', version: '20.10', runtime: 'runc', cannotEnforce: ['disk_quota'] },
      vault: { keeper: true, gateway: true },
      agents: [agent('assistant'), agent('second')],
    });
  }
  if (url.pathname === '/api/costs') {
    return json({
      day: '2026-11-21',
      month: '2026-11',
      timeZone: 'UTC',
      fleet: spending,
      teams: {},
      agents: { assistant: spending },
    });
  }
  if (url.pathname === '/api/events') return stream(url, response);
  if (url.pathname.endsWith('/messages')) {
    const sent: { text: string; idempotencyKey: string } = JSON.parse(body);
    const first = !keys.has(sent.idempotencyKey);
    keys.add(sent.idempotencyKey);
    messages.set('m1', sent.text);
    // The first answer is lost: the same key must come again.
    if (first && sent.text.includes('lost')) return response.destroy();
    return json({ messageId: 'm1', traceId: 't1', ahead: 0 }, 202);
  }
  if (url.pathname.endsWith('/steer')) return json({ steered: true, messageId: 'm1' }, 202);
  if (url.pathname.endsWith('/cancel')) return json({ cancelled: false }, 202);
  return json(
    {
      type: 'error',
      error: { type: 'openlegion_refusal', code: 'not_found', rule: 'x', message: 'no', remedy: '' },
    },
    404,
  );
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  mkdirSync(`${home}/data`, { recursive: true });
  writeFileSync(`${home}/data/control.token`, TOKEN, { mode: 0o600 });
  writeFileSync(
    `${home}/data/supervisor.json`,
    JSON.stringify({ pid: process.pid, port, run: `${home}/run`, startedAt: '2026-11-21T00:00:00.000Z' }),
  );
  process.stdout.write('ready\n');
});
process.on('SIGTERM', () => process.exit(0));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

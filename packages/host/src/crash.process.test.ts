import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createAuditLog } from './audit/audit-log.ts';
import { verifyChain } from './audit/verify-chain.ts';
import { createSystemClock } from './clock.ts';
import { openDatabase } from './store/database.ts';
import { MESH_MIGRATIONS } from './store/mesh-schema.ts';
import { startFixture } from './test/host-fixture.ts';

const KILLS = 6;
const CHILD = new URL('./test/crash-child.ts', import.meta.url).pathname;

interface Child {
  port: number;
  token: string;
  run: string;
  /** Kills it with SIGKILL and waits until it is gone. */
  kill(): Promise<void>;
}

async function startChild(home: string): Promise<Child> {
  const child = spawn(process.execPath, [CHILD, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const [line] = await Promise.race([
    createInterface({ input: child.stdout })
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [String(value)]),
    gone.then(() => Promise.reject(new Error('the host did not start'))),
  ]);
  return {
    ...JSON.parse(line ?? ''),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** The id of a message that was acknowledged; null when the connection broke before that. */
function send({ port, token }: Child, agent: string, text: string): Promise<string | null> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ text, idempotencyKey: text });
    const path = `/api/agents/${agent}/messages`;
    const headers = { authorization: `Bearer ${token}`, 'content-length': body.length };
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path, headers, agent: false });
    sent.on('error', () => resolve(null));
    sent.on('response', (answer) => {
      let answered = '';
      answer.on('data', (chunk) => {
        answered += chunk;
      });
      answer.on('error', () => resolve(null));
      answer.on('end', () => resolve(answer.statusCode === 202 ? JSON.parse(answered).messageId : null));
    });
    sent.end(body);
  });
}

test('a host killed at any point loses no acknowledged message and answers none twice', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-crash-`);
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < KILLS; round += 1) {
    const child = await startChild(home);
    // Killed after so many acknowledgements, while others are on their way and turns run.
    const enough = Promise.withResolvers<void>();
    let acks = 0;
    const sending = Array.from({ length: 24 }, async (_, index) => {
      const text = `round ${round} message ${index}`;
      const id = await send(child, index % 2 === 0 ? 'alice' : 'bob', text);
      if (id === null) return;
      acknowledged.set(id, text);
      acks += 1;
      if (acks === 1 + round * 4) enough.resolve();
    });
    await Promise.race([enough.promise, Promise.all(sending)]);
    await child.kill();
    await Promise.all(sending);
    rmSync(child.run, { recursive: true, force: true });
  }
  assert.ok(acknowledged.size >= KILLS, `only ${acknowledged.size} were acknowledged`);

  const replies = new Map<string, string>();
  {
    await using fixture = await startFixture({
      home,
      turn: (turn) => turn.end(recordedReply(home, turn.messageId) ?? `${turn.agent} answers ${turn.text}`),
    });
    for (const [id, text] of acknowledged) {
      const events = await fixture.trace(id);
      assert.equal(
        events.filter(({ event }) => event.type === 'message_settled').length,
        1,
        `${text}: settled once`,
      );
      const view = await fixture.message(id);
      assert.equal(view.status, 'done', text);
      assert.match(view.reply ?? '', new RegExp(`answers ${text}$`));
      replies.set(id, view.reply ?? '');
    }
  }
  assert.equal(replies.size, acknowledged.size);

  const database = openDatabase({ path: `${home}/data/mesh.db`, migrations: MESH_MIGRATIONS });
  const audit = createAuditLog({ database, clock: createSystemClock() });
  const records = audit.read(0, 100_000);
  const verdict = verifyChain(records, [], null);
  assert.deepEqual(verdict.problems, []);
  const settled = records
    .filter(({ type }) => type === 'message.settled')
    .map(({ detail }) => JSON.parse(detail).message);
  assert.equal(new Set(settled).size, settled.length, 'each message settled once in the audit log');
  database.close();
  rmSync(home, { recursive: true, force: true });
});

function recordedReply(home: string, messageId: string): string | undefined {
  const lines = readFileSync(`${home}/answered.ndjson`, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).find((entry) => entry.messageId === messageId)?.reply;
}

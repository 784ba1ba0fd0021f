import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type AuditRecord, auditRecordText } from '@openlegion/contract/audit-record';
import { AuditPage } from '@openlegion/contract/control-api';
import { startInstallation, type TestInstallation } from './harness/installation.ts';
import { killCount, killHostAtRandom } from './harness/kill-host.ts';
import { readStore } from './harness/read-store.ts';

/*
 * kill -9 of the host at random moments, over real containers, while agents write, publish, hand on and are given
 * results. What it was told is done is done; what must not be done twice is not.
 */

const KILLS = killCount(4);
const SEED = Number(process.env.OPENLEGION_SEED ?? Math.floor(Math.random() * 2 ** 31));

const ALICE = `
rules:
  - when: { user: '/Task (\\S+), which you handed to bob, is (\\w+)/', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'echo {{1}} | tee -a results.txt' } }] }
  - when: { tool: exec, asked: 'which you handed to' }
    answer: { text: noted }
  - when: { user: '/^(job-\\d+)$/', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'echo {{1}} | tee -a once.txt' } }] }
  - when: { tool: exec }
    answer:
      calls:
        - { tool: write_shared_state, arguments: { key: 'context/{{user}}', value: '{{user}}' } }
        - { tool: publish_event, arguments: { topic: jobs, payload: '{{user}}' } }
        - { tool: hand_off, arguments: { to: bob, task: 'count {{user}}' } }
  - when: { tool: hand_off }
    answer: { text: 'handed on {{user}}' }
otherwise: { text: 'nothing to do' }
`;
const BOB = `
rules:
  - when: { user: '/count (job-\\d+)/', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'echo {{1}} | tee -a counted.txt' } }] }
  - when: { tool: exec }
    answer: { text: 'counted {{result}}' }
otherwise: { text: 'nothing to do' }
`;
const CAROL = `
rules:
  - when: { user: subscribe, round: 0 }
    answer: { calls: [{ tool: subscribe_event, arguments: { topic: jobs, mode: wake } }] }
  - when: { tool: subscribe_event }
    answer: { text: '{{result}}' }
  - when: { user: '/Event (\\S+) on the topic jobs/', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: 'echo {{1}} | tee -a seen.txt' } }] }
otherwise: { text: seen }
`;

const AGENT = 'resources: { disk_limit: 32m, cpu_limit: 1 }, budget: { daily_usd: 40 }';
const FILES = {
  agents: `agents:\n${['alice', 'bob', 'carol'].map((name) => `  ${name}: { model: scripted/${name}, ${AGENT} }`).join('\n')}\n`,
  mesh: 'llm: { default_model: scripted/alice }\n',
  permissions: {
    permissions: {
      default: { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' } },
      alice: {
        ...{ allowed_apis: ['llm'], allowed_tools: { '*': 'allow' }, can_message: ['bob'] },
        ...{ can_publish: ['jobs'], blackboard_write: ['context/*'] },
      },
      carol: { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' }, can_subscribe: ['jobs'] },
    },
  },
  scripts: { alice: ALICE, bob: BOB, carol: CAROL },
};

describe('a host that is killed again and again', { timeout: 60_000 + KILLS * 30_000 }, () => {
  let installation: TestInstallation;
  const acknowledged = new Map<string, string>();

  before(async () => {
    installation = await startInstallation(FILES);
    const { view } = await installation.control.ask('carol', 'subscribe');
    assert.equal(
      view.reply,
      'subscribed (wake): jobs',
      JSON.stringify(view.refusal) + installation.log('host'),
    );
  });
  after(() => installation?.[Symbol.asyncDispose]());

  const send = async (job: number): Promise<void> => {
    const { messageId } = await installation.control.send('alice', `job-${job}`, `key-${job}`);
    const known = acknowledged.get(`job-${job}`);
    assert.ok(known === undefined || known === messageId, 'the same key is the same message');
    acknowledged.set(`job-${job}`, messageId);
  };

  test(`loses nothing that it acknowledged and repeats nothing that may not be (seed ${SEED}, ${KILLS} kills)`, async () => {
    await killHostAtRandom({
      ...{ installation, kills: KILLS, seed: SEED, mostMs: 3500 },
      async meanwhile(life) {
        // The one before once more, as whoever has heard nothing asks.
        if (life > 0) await send(life - 1);
        await send(life);
      },
    });
    for (let job = 0; job < KILLS; job += 1) await send(job);
    await quiet(installation);

    const messages = readStore(installation, 'SELECT * FROM message');
    const settledOnce = (await auditOf(installation)).filter(({ type }) => type === 'message.settled');
    assert.equal(settledOnce.length, messages.length, 'each message was settled once');
    assert.deepEqual(
      messages.filter(({ status }) => status !== 'done').map(({ id, refusal }) => [id, refusal]),
      [],
    );
    for (const [job, id] of acknowledged)
      assert.ok(
        messages.some((message) => message.id === id && message.text === job),
        `${job} is there`,
      );
    assert.equal(acknowledged.size, KILLS);

    const tasks = readStore(installation, 'SELECT * FROM task');
    for (const { id, status, text } of tasks) {
      assert.equal(status, 'done', String(text));
      const of = (key: string) => messages.filter((message) => message.idempotency_key === `${key}/${id}`);
      assert.equal(of('task').length, 1, `${text} was given once`);
      assert.equal(of('result').length, 1, `the result of ${text} returned once`);
      const moves = readStore(
        installation,
        `SELECT to_status FROM task_change WHERE task_id = '${id}' ORDER BY seq`,
      );
      assert.deepEqual(
        moves.map(({ to_status }) => to_status),
        ['pending', 'working', 'done'],
      );
    }
    const texts = tasks.map(({ text }) => text);
    assert.equal(new Set(texts).size, texts.length, 'nothing was handed on twice');

    const events = readStore(installation, 'SELECT * FROM topic_event');
    assert.equal(new Set(events.map(({ payload, id }) => payload || id)).size, events.length);
    const woken = messages.filter(({ idempotency_key: key }) => String(key).startsWith('event/'));
    assert.equal(woken.length, events.length, 'each event woke its subscriber once');
    assert.deepEqual(readStore(installation, 'SELECT * FROM topic_delivery'), []);
    assert.deepEqual(readStore(installation, 'SELECT * FROM task_errand'), []);
    for (const { key, version } of readStore(installation, 'SELECT * FROM blackboard_head'))
      assert.equal(version, 1, `${key} was written once`);

    // What a tool did and nobody saw the end of is not done again: never twice, and nearly always once.
    for (const [agent, file] of [
      ['alice', 'once.txt'],
      ['alice', 'results.txt'],
      ['bob', 'counted.txt'],
      ['carol', 'seen.txt'],
    ] as const) {
      const answer = await installation.control.call('GET', `/api/agents/${agent}/workspace/${file}`);
      const lines = answer.status === 200 ? answer.text.trim().split('\n') : [];
      assert.equal(new Set(lines).size, lines.length, `${file}: ${lines}`);
    }
    checkChain(await auditOf(installation));
  });
});

/** Until no message, task or delivery is open. */
async function quiet(installation: TestInstallation): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt += 1) {
    const open = readStore(
      installation,
      `SELECT id FROM message WHERE status IN ('queued', 'running') UNION ALL SELECT task_id FROM task_errand
       UNION ALL SELECT id FROM task WHERE finished_at IS NULL UNION ALL SELECT CAST(id AS TEXT) FROM topic_delivery`,
    );
    if (open.length === 0) return;
    await delay(100);
  }
  assert.fail(`the host does not come to rest\n${installation.log('host').slice(-4000)}`);
}

async function auditOf(installation: TestInstallation): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (let after = 0; ; ) {
    const path = `/api/audit?after=${after}&limit=1000`;
    const page = AuditPage.parse((await installation.control.call('GET', path)).json());
    records.push(...page.records);
    if (page.records.length < 1000) return records;
    after = page.next;
  }
}

function checkChain(records: readonly AuditRecord[]): void {
  let previous = '0'.repeat(64);
  for (const record of records) {
    assert.equal(record.previousHash, previous, `record ${record.seq}`);
    assert.equal(createHash('sha256').update(auditRecordText(record)).digest('hex'), record.hash);
    previous = record.hash;
  }
}

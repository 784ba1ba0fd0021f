import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { GATEWAY_HEADERS } from '@openlegion/contract/gateway-protocol';
import { socketPaths } from '@openlegion/contract/installation';
import { z } from 'zod';
import { createEngineClient, type EngineClient } from '../packages/host/src/engine/engine-client.ts';
import { findEngine } from '../packages/host/src/engine/find-engine.ts';
import { startInstallation, type TestInstallation } from './harness/installation.ts';

/* A whole installation, as the supervisor runs it: a message in over the control API, an answer out of a container. */

const SCRIPT = `
rules:
  - when: { user: '/^run (.+)$/s', round: 0 }
    answer: { calls: [{ tool: exec, arguments: { command: '{{1}}' } }] }
  - when: { tool: exec }
    answer: { text: 'RESULT {{result}}' }
  - when: { user: slowly }
    answer: { text: 'One word after the other, and the host may die in between. This is the end.', chunk_delay_ms: 400 }
  - when: { user: fail }
    answer: { error: { status: 400, message: 'the provider does not like it' } }
otherwise: { text: 'You said: {{user}}. That is all there is to say about it.' }
`;
const HELD = 'otherwise: { text: admitted, delay_ms: 1500 }';

const AGENTS = `agents:
  assistant: { model: scripted/assistant, resources: { disk_limit: 32m } }
  steady: { model: scripted/assistant, resources: { disk_limit: 32m } }
  poor: { model: scripted/held, budget: { daily_usd: 0.002 }, resources: { disk_limit: 32m } }
  crowd: { model: scripted/assistant, budget: { daily_usd: 0.03 }, resources: { disk_limit: 32m, cpu_limit: 1 } }
  mute: { model: scripted/assistant, resources: { disk_limit: 32m } }
`;
const ALLOWED = { allowed_apis: ['llm'], allowed_tools: { exec: 'allow' } };

const turns = (events: FleetEvent[]) =>
  events.flatMap(({ event }) => (event.type === 'turn' ? [event.turn] : []));

describe('a whole installation', { timeout: 300_000 }, () => {
  let installation: TestInstallation;
  let engine: EngineClient;

  before(async () => {
    const search = await findEngine({ env: process.env });
    assert.ok(search.found, 'these tests need a container engine');
    engine = await createEngineClient(search.address);
    installation = await startInstallation({
      agents: AGENTS,
      mesh: 'llm: { default_model: scripted/assistant, failover: { scripted/assistant: [scripted/held] } }\n',
      permissions: {
        permissions: { assistant: ALLOWED, steady: ALLOWED, poor: ALLOWED, crowd: ALLOWED, mute: {} },
      },
      scripts: { assistant: SCRIPT, held: HELD },
    });
  });
  after(async () => {
    await installation?.[Symbol.asyncDispose]();
    engine?.close();
  });

  test('a message is answered from a container, streamed, and charged', async () => {
    const { view, events } = await installation.control.ask('assistant', 'hello');
    assert.deepEqual(view.refusal, null, installation.log('host'));
    assert.equal(view.status, 'done');
    assert.equal(view.reply, 'You said: hello. That is all there is to say about it.');
    const deltas = turns(events).flatMap((turn) => (turn.type === 'text_delta' ? [turn.text] : []));
    assert.ok(deltas.length > 1, 'it came in pieces');
    assert.equal(deltas.join(''), view.reply);
    assert.ok(view.chargedMicroUsd > 0);
    assert.deepEqual(
      events.map(({ event }) => event.type).filter((type) => type !== 'turn' && type !== 'agent_starting'),
      ['message_accepted', 'agent_ready', 'model_charged', 'message_settled', 'trace_settled'],
    );
    const { agents } = await installation.control.status();
    assert.equal(agents.find(({ name }) => name === 'assistant')?.spentTodayMicroUsd, view.chargedMicroUsd);
  });

  test('what was decided is in both chains', async () => {
    const read = async (chain: string) =>
      z
        .object({ records: z.array(z.object({ type: z.string(), subject: z.string() })) })
        .parse((await installation.control.call('GET', `/api/audit?chain=${chain}&after=0&limit=200`)).json())
        .records;
    const host = (await read('host')).map(({ type }) => type);
    for (const type of ['message.accepted', 'message.settled'])
      assert.ok(host.includes(type), `${type} in ${host}`);
    assert.ok(
      host.some((type) => type.startsWith('agent.')),
      String(host),
    );
    assert.ok((await read('keeper')).length > 0);
  });

  test('the container is held as the template says, by the engine and by what it sees itself', async () => {
    const { agents } = await installation.control.status();
    const id = agents.find(({ name }) => name === 'assistant')?.containerId;
    assert.ok(id);
    const { Config, HostConfig, Mounts } = Inspection.parse(await engine.inspectContainer(id));
    assert.equal(Config.User, '1000:1000');
    assert.equal(HostConfig.NetworkMode, 'none');
    assert.equal(HostConfig.ReadonlyRootfs, true);
    assert.equal(HostConfig.Privileged, false);
    assert.deepEqual(HostConfig.CapDrop, ['ALL']);
    assert.equal(HostConfig.CapAdd, null);
    assert.ok(HostConfig.SecurityOpt.includes('no-new-privileges'));
    assert.ok(HostConfig.SecurityOpt.some((option) => option.startsWith('seccomp={')));
    assert.deepEqual(HostConfig.Binds ?? [], []);
    assert.equal(HostConfig.NanoCpus, 150_000_000, 'it is clamped');
    assert.equal(HostConfig.Memory, 384 * 1024 * 1024);
    assert.equal(HostConfig.MemorySwap, HostConfig.Memory);
    assert.equal(HostConfig.PidsLimit, 256);
    assert.deepEqual(
      Mounts.map(({ Destination, Type }) => [Destination, Type]),
      [['/data', 'volume']],
    );

    const inside = async (command: string): Promise<string> =>
      (await installation.control.ask('assistant', `run ${command}`)).view.reply ?? '';
    const status = await inside('cat /proc/self/status');
    for (const line of [
      'CapEff:\t0000000000000000',
      'CapBnd:\t0000000000000000',
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
    ])
      assert.ok(status.includes(line), `${line} in ${status}`);
    const interfaces = await inside("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' \\n'");
    assert.match(interfaces, /RESULT lo\b/);
    assert.match(
      await inside('touch /etc/x; echo "ended with $?"'),
      /Read-only file system[\s\S]*ended with 1/,
    );
    assert.match(
      await inside('cat /proc/1/environ | tr "\\0" "\\n" | cut -d= -f1 | sort | tr "\\n" " "'),
      /RESULT [A-Z_ ]+/,
    );
  });

  test('an agent without the permission gets no model, and is told which rule said no', async () => {
    const { view } = await installation.control.ask('mute', 'hello');
    assert.equal(view.status, 'failed');
    assert.equal(view.refusal?.code, 'denied');
    assert.match(view.refusal?.rule ?? '', /allowed_apis/);
    assert.equal(view.chargedMicroUsd, 0);
  });

  test('what a provider refuses reaches the person in words', async () => {
    const { view } = await installation.control.ask('assistant', 'fail');
    assert.equal(view.status, 'failed');
    assert.match(view.refusal?.message ?? '', /the provider does not like it/);
  });

  test('of 50 calls at once out of one container, with budget for one, exactly one is admitted', async () => {
    const calls = `node -e "
      const body = JSON.stringify({ model: 'scripted/held', max_tokens: 8192, messages: [{ role: 'user', content: 'x' }] });
      const call = () => fetch('http://127.0.0.1:8400/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      Promise.all(Array.from({ length: 50 }, call)).then((all) => console.log(all.map(({ status }) => status).join(' ')))"`;
    const { view } = await installation.control.ask('crowd', `run ${calls}`);
    const statuses = /\d{3}(?: \d{3}){49}/.exec(view.reply ?? '')?.[0].split(' ') ?? [];
    assert.equal(statuses.length, 50, view.reply ?? '');
    assert.equal(statuses.filter((status) => status === '200').length, 1);
    // Refused for the budget, or for more calls at once than an agent may have.
    assert.ok(statuses.every((status) => ['200', '402', '429'].includes(status)));
    const { agents } = await installation.control.status();
    const crowd = agents.find(({ name }) => name === 'crowd');
    assert.ok(crowd && crowd.spentTodayMicroUsd <= 30_000);
  });

  test('of 50 calls at once, with budget for one, exactly one is admitted', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => callModel(installation, 'poor', 'held')),
    );
    const statuses = answers.map(({ status }) => status).sort((left, right) => left - right);
    assert.deepEqual(statuses, [200, ...Array<number>(49).fill(402)]);
    for (const { status, text } of answers) if (status === 402) assert.match(text, /"rule":"budget\./);
    const { agents } = await installation.control.status();
    const spent = agents.find(({ name }) => name === 'poor')?.spentTodayMicroUsd ?? Number.NaN;
    assert.ok(spent > 0 && spent <= 2000, String(spent));
  });

  test('an agent whose budget is spent says so, and which limit it was', async () => {
    const { view } = await installation.control.ask('poor', 'hello');
    assert.equal(view.status, 'failed');
    assert.equal(view.refusal?.code, 'budget_exceeded');
    assert.match(view.refusal?.rule ?? '', /^budget\./);
    assert.equal(view.chargedMicroUsd, 0);
  });

  test('a container that is killed from outside in the middle of a turn loses nothing', async () => {
    const { messageId } = await installation.control.send('assistant', 'slowly');
    for await (const { event } of installation.control.events(messageId))
      if (event.type === 'turn' && event.turn.type === 'text_delta') break;
    const { agents } = await installation.control.status();
    const id = agents.find(({ name }) => name === 'assistant')?.containerId;
    assert.ok(id);
    await engine.killContainer(id);
    const events = await settled(installation, messageId);
    const view = await installation.control.view(messageId);
    assert.equal(view.status, 'done', JSON.stringify(view.refusal));
    assert.match(view.reply ?? '', /^One word after the other.*This is the end\.$/);
    assert.equal(events.filter(({ event }) => event.type === 'message_settled').length, 1);
  });

  test('without the keeper nothing is spent; with it again, the next message is answered', async () => {
    await installation.kill('keeper');
    const { view } = await installation.control.ask('assistant', 'hello');
    assert.equal(view.status, 'failed');
    assert.equal(view.refusal?.code, 'unavailable');
    assert.equal(view.chargedMicroUsd, 0);
    await installation.start('keeper');
    // The others find it again by themselves, within a few seconds.
    let answered = view;
    for (let attempt = 0; attempt < 100 && answered.status !== 'done'; attempt += 1)
      answered = (await installation.control.ask('assistant', 'hello again')).view;
    assert.equal(answered.status, 'done', JSON.stringify(answered.refusal));
  });

  test('a host that is killed while an answer streams answers once after its start, and once only', async () => {
    const { messageId } = await installation.control.send('steady', 'slowly', 'once');
    for await (const { event } of installation.control.events(messageId))
      if (event.type === 'turn' && event.turn.type === 'text_delta') break;
    await installation.kill('host');
    await installation.start('host');
    // The same message again, as a client does that has heard nothing: it is the same one.
    assert.equal((await installation.control.send('steady', 'slowly', 'once')).messageId, messageId);
    const events = await settled(installation, messageId);
    const view = await installation.control.view(messageId);
    assert.equal(view.status, 'done', JSON.stringify(view.refusal));
    assert.match(view.reply ?? '', /^One word after the other.*This is the end\.$/);
    assert.equal(events.filter(({ event }) => event.type === 'message_settled').length, 1);
  });

  test('a tool that the host did not see the end of is reported as unknown, and not run again', async () => {
    const command = 'echo ran >> count.txt; sleep 600';
    const { messageId } = await installation.control.send('steady', `run ${command}`);
    for await (const { event } of installation.control.events(messageId))
      if (event.type === 'turn' && event.turn.type === 'tool_started') break;
    await installation.kill('host');
    await installation.start('host');
    const events = await settled(installation, messageId);
    const view = await installation.control.view(messageId);
    assert.equal(view.status, 'done', JSON.stringify(view.refusal));
    assert.match(view.reply ?? '', /^RESULT .*unknown/is);
    const outcomes = turns(events).flatMap((turn) => (turn.type === 'tool_ended' ? [turn.outcome] : []));
    assert.deepEqual(outcomes, ['unknown']);
    const { view: count } = await installation.control.ask('steady', 'run wc -l < count.txt');
    assert.match(count.reply ?? '', /RESULT 1\b/);
  });
});

const Inspection = z.object({
  Config: z.object({ User: z.string() }),
  HostConfig: z.object({
    NetworkMode: z.string(),
    ReadonlyRootfs: z.boolean(),
    Privileged: z.boolean(),
    CapDrop: z.array(z.string()),
    CapAdd: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()),
    Binds: z.array(z.string()).nullable(),
    NanoCpus: z.int(),
    Memory: z.int(),
    MemorySwap: z.int(),
    PidsLimit: z.int(),
  }),
  Mounts: z.array(z.object({ Type: z.string(), Destination: z.string() })),
});

/** Everything of a message's trace, from the start to its end. */
async function settled(installation: TestInstallation, messageId: string): Promise<FleetEvent[]> {
  const events: FleetEvent[] = [];
  for await (const event of installation.control.events(messageId)) events.push(event);
  return events;
}

/** A model call as the host makes it for an agent: what 50 calls of one container come to. */
function callModel(
  { run }: TestInstallation,
  agent: string,
  model: string,
): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ model, max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] });
  return new Promise((resolve, reject) => {
    const sent = request({
      socketPath: socketPaths(run).gateway,
      method: 'POST',
      path: '/llm/scripted/chat/completions',
      headers: {
        host: 'gateway',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        [GATEWAY_HEADERS.agent]: agent,
        [GATEWAY_HEADERS.trace]: 'test',
        [GATEWAY_HEADERS.tools]: '{}',
      },
    });
    sent.on('error', reject);
    sent.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.end(body);
  });
}

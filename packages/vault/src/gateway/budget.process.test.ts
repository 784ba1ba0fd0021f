import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Costs } from '@openlegion/contract/costs';
import type { Policy } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
import { openRaw, result } from '../keeper/test/raw-connection.ts';
import { startKeeper } from '../keeper/test/start-keeper.ts';
import { eventText, type FakeProvider, startFakeProvider } from './test/fake-provider.ts';
import { callSocket, MODEL, testProvider } from './test/start-gateway.ts';
import { type GatewayProcess, startGatewayProcess } from './test/start-gateway-process.ts';

const BUDGET = 30_000;
/** What a call fails over to: ten times as dear. */
const DEAR = {
  ...MODEL,
  id: 'dear',
  aliases: [],
  price: { input: 10_000_000, output: 40_000_000, cacheRead: 1_000_000, cacheWrite: 12_500_000 },
};
const RUNS = Number(process.env.OPENLEGION_RUNS ?? 6);
const CREDENTIAL = 'OPENLEGION_SYSTEM_TEST_API_KEY';

/** How the provider treats a call; in every case it bills what it says here, whatever we hear of it. */
const TREATMENTS = ['whole', 'no usage', 'absurd usage', 'cut', 'stall', 'error'] as const;
type Treatment = (typeof TREATMENTS)[number];

type Step =
  | { do: 'call'; treatment: Treatment; tokens: number; share: number; abort: boolean; failover: boolean }
  | { do: 'kill'; whom: 'gateway' | 'keeper' }
  | { do: 'wait' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      treatment: fc.constantFrom(...TREATMENTS),
      tokens: fc.integer({ min: 1, max: 1000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      abort: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
      failover: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('kill' as const), whom: fc.constantFrom('gateway', 'keeper') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
);

interface Bills {
  microUsd: number;
}

/** The body tells the provider how to behave; it bills up to the limit that reached it. */
function startBiller(bills: Bills): Promise<FakeProvider> {
  return startFakeProvider((response, { body, text }) => {
    const { model, messages, max_tokens: limit } = Object(body);
    const { price } = model === 'dear' ? DEAR : MODEL;
    const { treatment, share } = JSON.parse(messages[0].content);
    if (treatment === 'error') {
      response.writeHead(500, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const used = Math.max(1, Math.floor(limit * share));
    const prompt = Math.floor(text.length * share) + 1;
    bills.microUsd += prompt * (price.cacheWrite ?? 0) * 1e-6 + used * price.output * 1e-6;
    if (treatment === 'stall') return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const content = 'x'.repeat(used);
    response.write(eventText({ choices: [{ delta: { content }, finish_reason: 'stop' }] }));
    if (treatment === 'cut') {
      response.destroy();
      return;
    }
    const honest = {
      prompt_tokens: prompt,
      completion_tokens: used,
      prompt_tokens_details: { cache_write_tokens: prompt },
    };
    const absurd = { prompt_tokens: -1, completion_tokens: 1e99 };
    if (treatment !== 'no usage')
      response.write(eventText({ choices: [], usage: treatment === 'whole' ? honest : absurd }));
    response.end(eventText('[DONE]'));
  });
}

/** Keeper and gateway as processes of their own, killed and started again. */
async function startVault(providerOrigin: string) {
  const home = await startKeeper();
  let keeper = home;
  let gateway: GatewayProcess = await startGatewayProcess(home.home);
  const policy: Policy = {
    timeZone: 'UTC',
    fleet: { dailyMicroUsd: BUDGET, monthlyMicroUsd: BUDGET },
    agents: [
      {
        name: 'researcher',
        team: null,
        dailyMicroUsd: BUDGET,
        monthlyMicroUsd: BUDGET,
        apis: ['llm'],
        models: ['openai-chat/m', 'openai-chat/dear'],
        ...{ parent: null, requestsPerMinute: null, tokensPerMinute: null, domains: [], credentials: [] },
      },
    ],
    ...{ teams: [], opaqueHosts: [] },
  };

  async function asHost(op: string, args: unknown): Promise<unknown> {
    const host = await openRaw(home.paths.keeperHost);
    const got = await result(host.call(op, args));
    await host.end();
    return got;
  }

  async function configure(): Promise<void> {
    await asHost('policy', policy);
    const providers = [testProvider('openai-chat', providerOrigin, { models: [MODEL, DEAR] })];
    const put = await callSocket(gateway.socketPath, '/providers', { providers }, { method: 'PUT' });
    assert.equal(put.status, 204, put.text);
    for (;;) {
      const health = await callSocket(gateway.socketPath, '/health', undefined, { method: 'GET' });
      if (JSON.parse(health.text).ok) return;
      await new Promise(setImmediate);
    }
  }

  const admin = await openRaw(home.paths.keeperAdmin);
  const value = 'sk-a-key-of-the-test-0123456789';
  await result(
    admin.call('put', { name: CREDENTIAL, value, origins: [providerOrigin], bindings: [], environment: [] }),
  );
  await admin.end();
  await configure();
  return {
    call: (body: object, signal: AbortSignal) =>
      callSocket(gateway.socketPath, 'openai-chat/chat/completions', body, { signal }).catch(() => null),
    costs: async () => (await asHost('costs', {})) as Costs,
    async kill(whom: 'gateway' | 'keeper') {
      if (whom === 'gateway') {
        await gateway.kill();
        gateway = await startGatewayProcess(home.home);
      } else {
        await keeper.kill();
        keeper = await startKeeper({ home: home.home });
      }
      await configure();
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await keeper.stop();
      await home[Symbol.asyncDispose]();
    },
  };
}

test('over random calls, aborts and kills, what the provider bills is never over the budget, nor unknown to the keeper', {
  timeout: 60_000 + RUNS * 5000,
}, async () => {
  let admitted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 12, maxLength: 24 }), async (steps) => {
      const bills: Bills = { microUsd: 0 };
      await using provider = await startBiller(bills);
      await using vault = await startVault(provider.origin);
      const open: { done: Promise<unknown>; abort: AbortController }[] = [];
      for (const each of steps) {
        if (each.do === 'kill') await vault.kill(each.whom);
        else if (each.do === 'wait') await open.shift()?.done;
        else {
          const { treatment, share, tokens } = each;
          const abort = new AbortController();
          // Whoever stalls is let go by its caller, before or after it reached the provider.
          const leaves = each.abort || treatment === 'stall';
          const body = {
            model: 'm',
            stream: true,
            max_tokens: tokens,
            messages: [{ role: 'user', content: JSON.stringify({ treatment, share }) }],
          };
          // Whoever has no whole answer asks the dearer model, as a chain does: a reservation of its own.
          const done = vault.call(body, abort.signal).then((answer) => {
            const failed = answer?.status === 500 || answer?.complete === false;
            if (each.failover && failed) return vault.call({ ...body, model: 'dear' }, abort.signal);
            return answer;
          });
          if (leaves) setImmediate(() => abort.abort());
          open.push({ done, abort });
        }
      }
      for (const { done } of open) await done;
      // The gateway settles what its callers left behind.
      for (;;) {
        const { fleet } = await vault.costs();
        assert.ok(fleet.spentTodayMicroUsd + fleet.reservedMicroUsd <= BUDGET);
        if (fleet.reservedMicroUsd > 0) {
          await new Promise(setImmediate);
          continue;
        }
        assert.ok(bills.microUsd <= BUDGET, `billed ${bills.microUsd}`);
        assert.ok(
          bills.microUsd <= fleet.spentTodayMicroUsd,
          `billed ${bills.microUsd}, counted ${fleet.spentTodayMicroUsd}`,
        );
        break;
      }
      admitted += provider.seen.length;
    }),
    { numRuns: RUNS },
  );
  assert.ok(admitted > RUNS, `only ${admitted} calls reached the provider: the property says little`);
});

test('fifty calls at once with budget for one, over the real keeper: one is admitted', async () => {
  const bills: Bills = { microUsd: 0 };
  await using provider = await startBiller(bills);
  await using vault = await startVault(provider.origin);
  // An output that takes most of the budget, and a shorter one that would not be useful.
  const content = JSON.stringify({ treatment: 'no usage', share: 1, filler: 'y'.repeat(20_000) });
  const body = { model: 'm', stream: true, max_tokens: 900, messages: [{ role: 'user', content }] };
  const never = new AbortController().signal;
  const answers = await Promise.all(Array.from({ length: 50 }, () => vault.call(body, never)));
  const statuses = answers.map((answer) => answer?.status);
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 402).length, 49);
  assert.equal(provider.seen.length, 1);
  const refusal = JSON.parse(answers.find((answer) => answer?.status === 402)?.text ?? '{}').error;
  assert.match(refusal.rule, /^budget\./);
});

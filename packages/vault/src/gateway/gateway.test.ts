import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeKeeper, SECRET } from './test/fake-keeper.ts';
import { events, json, startFakeProvider } from './test/fake-provider.ts';
import { startGateway, testProvider } from './test/start-gateway.ts';
import { ANSWERS, DIALECT_NAMES } from './test/wire-shapes.ts';

for (const dialect of DIALECT_NAMES) {
  const shape = ANSWERS[dialect];

  for (const mode of ['whole', 'streamed'] as const) {
    test(`${dialect}, ${mode}: the answer passes unchanged, the usage is priced, the call is settled once`, async () => {
      const keeper = createFakeKeeper();
      const streamed = mode === 'streamed';
      await using provider = await startFakeProvider(streamed ? events(...shape.stream) : json(shape.whole));
      await using gateway = await startGateway({ keeper, catalog: [testProvider(dialect, provider.origin)] });
      const ask = streamed && dialect !== 'google' ? { ...shape.ask, stream: true } : shape.ask;
      const target = streamed ? shape.streamTarget : shape.target;
      const answer = await gateway.call(`${dialect}/${target}`, ask);

      assert.equal(answer.status, 200);
      assert.equal(answer.complete, true);
      if (streamed)
        assert.deepEqual(
          answer.text
            .split('\n\n')
            .filter((event) => event !== '')
            .map((event) => event.slice('data: '.length))
            .map((event) => (event === '[DONE]' ? event : JSON.parse(event))),
          shape.stream.map((event) => structuredClone(event)),
        );
      else assert.deepEqual(JSON.parse(answer.text), shape.whole);

      // 20 in: 5 read from a cache at 0.1, 3 written (where the dialect says so) at 1.25, the rest at 1; 7 out at 4.
      // Google does not count cache writes, and this model has a price for them: all the rest may be one.
      const charged =
        dialect === 'google' ? Math.ceil(15 * 1.25 + 5 * 0.1 + 28) : Math.ceil(12 + 0.5 + 3.75 + 28);
      assert.deepEqual(keeper.settled, [
        {
          reservationId: 'r1',
          chargedMicroUsd: charged,
          inputTokens: 20,
          outputTokens: 7,
          source: 'provider',
          httpStatus: 200,
        },
      ]);
      assert.deepEqual(
        { ...answer.trailers },
        {
          'x-openlegion-charged-micro-usd': String(charged),
          'x-openlegion-input-tokens': '20',
          'x-openlegion-output-tokens': '7',
          'x-openlegion-usage-source': 'provider',
        },
      );
      const [reserved] = keeper.reserved;
      assert.equal(reserved?.agent, 'researcher');
      assert.equal(reserved?.model, `${dialect}/m`);
      assert.equal(reserved?.origin, provider.origin);
      assert.equal(reserved?.credential, 'OPENLEGION_SYSTEM_TEST_API_KEY');
      assert.equal(reserved?.outputTokens, 100);
      const [seen] = provider.seen;
      assert.equal(seen?.url, `/base/${shape[streamed ? 'streamTarget' : 'target']}`);
      assert.equal(seen?.headers.authorization, `Bearer ${SECRET}`);
      assert.equal(seen?.headers['accept-encoding'], 'identity');
      assert.deepEqual(gateway.faults, []);
    });
  }
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { askMesh } from '../mesh/test/ask-mesh.ts';
import { startFixture } from '../test/host-fixture.ts';

const SPENT = {
  scope: 'agent:alice',
  period: '2026-11',
  spentMicroUsd: 81,
  limitMicroUsd: 100,
  at: '2026-11-21T00:00:00.000Z',
};
const FLEET = { ...SPENT, scope: 'fleet' };

test('a limit that is nearly spent is told once, on the trace of the call that spent it, also after a restart', async () => {
  const home = mkdtempSync(`${tmpdir()}/openlegion-warned-`);
  const run = async (warnings: (typeof SPENT)[], fresh: number): Promise<string[]> => {
    await using fixture = await startFixture({
      home,
      async turn(turn) {
        await askMesh(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
        turn.end('ok');
      },
    });
    fixture.vault.warnings = warnings;
    const { messageId } = await fixture.send('alice', 'x');
    for (;;) {
      const events = await fixture.trace(messageId);
      const told = events.flatMap(({ event }) => (event.type === 'budget_warning' ? [event.scope] : []));
      if (told.length >= fresh && fixture.vault.asked('warnings') > 0) return told;
    }
  };
  assert.deepEqual(await run([SPENT], 1), ['agent:alice']);
  assert.deepEqual(await run([SPENT], 0), []);
  // Also what was told late: only the new one.
  assert.deepEqual(await run([SPENT, FLEET], 1), ['fleet']);
  rmSync(home, { recursive: true, force: true });
});

test('calls that follow closely cost the keeper one question more, not one each', async () => {
  await using fixture = await startFixture({
    async turn(turn) {
      for (let call = 0; call < 20; call += 1)
        await askMesh(turn.mesh, 'POST', '/llm/scripted/v1/chat/completions', '{}');
      turn.end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  assert.ok(fixture.vault.asked('warnings') < 10, `${fixture.vault.asked('warnings')} questions`);
});

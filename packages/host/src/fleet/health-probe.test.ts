import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentStatus } from '@openlegion/contract/agent-api';
import { createManualClock } from '../manual-clock.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { createHealthProbe } from './health-probe.ts';

/** Probes `answers` in turn; returns what was said of the agent after each. */
async function probed(
  answers: (Partial<AgentStatus> | 'silence')[],
  { callsInFlight = 0, inTurn = true } = {},
): Promise<string[]> {
  const clock = createManualClock();
  const said: string[] = [];
  const rest = [...answers];
  const probe = createHealthProbe({
    clock,
    async ask() {
      const next = rest.shift();
      if (next === 'silence' || next === undefined) throw new Error('no answer');
      return { state: 'idle', version: '1', progress: 1, ...next };
    },
    callsInFlight: () => callsInFlight,
    inTurn: () => inTurn,
    onUnhealthy: (why) => said.push(why),
  });
  probe.start();
  for (let round = 0; round < answers.length; round += 1) {
    clock.advance(FLEET_LIMITS.probeEveryMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return said;
}

test('three probes in a row without an answer are unhealthy; an answer in between starts the count again', async () => {
  assert.equal((await probed(['silence', 'silence', 'silence'])).length, 1);
  assert.deepEqual(await probed(['silence', 'silence', {}, 'silence', 'silence']), []);
});

test('a turn without progress is unhealthy after ten minutes, unless a model call is on its way', async () => {
  const stuck = Array.from({ length: FLEET_LIMITS.stalledProbes + 1 }, () => ({
    state: 'busy' as const,
    progress: 7,
  }));
  assert.match((await probed(stuck))[0] ?? '', /10 minutes without any progress/);
  assert.deepEqual(await probed(stuck, { callsInFlight: 1 }), []);
  // It is the host that knows whether a turn is on.
  assert.equal((await probed(stuck.map((status) => ({ ...status, state: 'idle' as const })))).length, 1);
  assert.deepEqual(await probed(stuck, { inTurn: false }), []);
  assert.deepEqual(await probed(stuck.map((status, index) => ({ ...status, progress: index }))), []);
});

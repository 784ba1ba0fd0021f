import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { createManualClock } from './manual-clock.ts';
import { pause } from './pause.ts';

test('a pause ends in time or when it is aborted, and leaves neither timer nor listener', async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const inTime = pause(clock, 10, stop.signal);
  clock.advance(10);
  await inTime;
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  const aborted = pause(clock, 10, stop.signal);
  stop.abort();
  await aborted;
  await pause(clock, 10, stop.signal);
  assert.deepEqual([getEventListeners(stop.signal, 'abort').length, clock.waiting()], [0, 0]);
});

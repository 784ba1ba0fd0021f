import { FLEET_LIMITS } from './fleet-limits.ts';

const HOUR_MS = 3_600_000;

/** What to do after an agent ended without being asked to. */
export type RestartDecision = { restart: true; afterMs: number } | { restart: false };

/**
 * Three restarts an hour, each after twice the time of the one before. `ends` are the times of unexpected ends,
 * oldest first.
 */
export function decideRestart(ends: readonly number[], now: number): RestartDecision {
  const recent = ends.filter((end) => end > now - HOUR_MS).length;
  if (recent > FLEET_LIMITS.restartsPerHour) return { restart: false };
  return { restart: true, afterMs: recent === 0 ? 0 : FLEET_LIMITS.firstBackoffMs * 2 ** (recent - 1) };
}

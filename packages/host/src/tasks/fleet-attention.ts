import type { CoordinationAttention } from '@openlegion/contract/control-coordination';
import type { Reader } from '../store/database.ts';
import { integerOf } from '../store/row.ts';
import type { Tasks } from './tasks.ts';

const MOST_TASKS = 50;

/** What somebody should look at, for the status of the fleet. */
export function fleetAttention(
  reader: Reader,
  tasks: Pick<Tasks, 'needAttention'>,
  now: number,
): CoordinationAttention {
  const dead = reader.get("SELECT COUNT(*) AS n FROM topic_delivery WHERE state = 'dead'");
  return {
    deadLetters: integerOf(dead ?? {}, 'n'),
    tasks: tasks.needAttention(MOST_TASKS).map(({ result: _, ...task }) => ({
      task: { ...task, task: task.task.slice(0, 300).toWellFormed() },
      reason: task.finishedAt !== null ? 'undeliverable' : task.status === 'blocked' ? 'blocked' : 'stale',
      forMs: Math.max(0, now - Date.parse(task.updatedAt)),
    })),
  };
}

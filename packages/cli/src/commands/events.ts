import { Topics } from '@openlegion/contract/control-coordination';
import { type DeadLetter, DeadLetters } from '@openlegion/contract/pubsub';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { oneLine } from '../terminal/safe-text.ts';
import { formatTable } from '../terminal/table.ts';

/** Who is subscribed to what, and how much waits. */
export async function eventsTopics({ home, terminal }: CommandContext, json: boolean): Promise<number> {
  const found = await createControlClient(home).json(Topics, { method: 'GET', path: '/api/topics' });
  const rows = found.subscriptions.map(({ namespace, topic, subscriber, mode, waiting, dead }) => [
    ...[namespace, oneLine(topic, 80), oneLine(subscriber, 60), mode, String(waiting), String(dead)],
  ]);
  const head = ['NAMESPACE', 'TOPIC', 'SUBSCRIBER', 'MODE', 'WAITING', 'DEAD'];
  const text = rows.length === 0 ? 'Nobody is subscribed to anything.' : formatTable([head, ...rows]);
  terminal.line(json ? JSON.stringify(found, null, 2) : text);
  return 0;
}

/** What could not be delivered, and why. */
export async function eventsList(
  { home, terminal }: CommandContext,
  { after = '0', json }: { after?: string; json?: boolean },
): Promise<number> {
  const path = `/api/dead-letters?after=${encodeURIComponent(after)}`;
  const found = await createControlClient(home).json(DeadLetters, { method: 'GET', path });
  if (json) {
    terminal.line(JSON.stringify(found, null, 2));
    return 0;
  }
  for (const letter of found.letters) terminal.line(letterText(letter));
  if (found.letters.length === 0) terminal.line('Every event was delivered, or is on its way.');
  if (found.next !== null) terminal.line(`There are more: --after ${found.next}`);
  return 0;
}

/** Gives a dead letter out again, with all its attempts before it, or away for good. */
export async function eventsSettle(
  { home, terminal }: CommandContext,
  id: string,
  how: 'replay' | 'discard',
): Promise<number> {
  const path = `/api/dead-letters/${encodeURIComponent(id)}/${how}`;
  await createControlClient(home).json(z.unknown(), { method: 'POST', path });
  terminal.line(how === 'replay' ? `${id} is given out again` : `${id} is gone`);
  return 0;
}

function letterText(letter: DeadLetter): string {
  const { deliveryId, topic, namespace, publisher, subscriber, at, attempts, rule, reason, payload } = letter;
  return [
    `${deliveryId}  ${oneLine(topic, 80)} (${namespace}), ${oneLine(publisher, 60)} → ${oneLine(subscriber, 60)}, ${at.slice(0, 19)}Z`,
    `    ${oneLine(reason, 300)} [${rule}, ${attempts} attempts]`,
    `    ${oneLine(JSON.stringify(payload), 200)}`,
  ].join('\n');
}

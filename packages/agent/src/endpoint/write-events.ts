import type { ServerResponse } from 'node:http';
import { write } from './exchange.ts';
import type { WireEvent } from './wire-writer.ts';

export async function writeEvents(
  response: ServerResponse,
  events: readonly WireEvent[],
  signal: AbortSignal,
): Promise<void> {
  if (events.length === 0) return;
  const text = events.map(({ event, data }) => {
    const name = event === undefined ? '' : `event: ${event}\n`;
    return `${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  });
  await write(response, text.join(''), signal);
}

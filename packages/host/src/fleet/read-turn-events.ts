import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { TurnEvent } from '@openlegion/contract/turn-event';
import { FLEET_LIMITS } from './fleet-limits.ts';

/**
 * The events in the answer to `POST /chat/stream`, each held to the contract. Throws `upstream_failed` at the first
 * line that is not one, or that is too long: an agent that does not keep to the contract is not read further.
 */
export async function* readTurnEvents(body: Readable): AsyncGenerator<TurnEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > FLEET_LIMITS.turnLineBytes) throw notAnEvent('a line without end');
    for (const line of lines) if (line !== '') yield eventOf(line);
  }
  if (rest.trim() !== '') yield eventOf(rest);
}

function eventOf(line: string): TurnEvent {
  if (line.length > FLEET_LIMITS.turnLineBytes) throw notAnEvent('a line that is too long');
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw notAnEvent('a line that is not JSON');
  }
  const parsed = TurnEvent.safeParse(value);
  if (!parsed.success) throw notAnEvent('an event that is none of a turn');
  return parsed.data;
}

function notAnEvent(what: string): OpenLegionError {
  return new OpenLegionError({
    code: 'upstream_failed',
    rule: 'fleet.turn_stream',
    message: `The agent's answer held ${what}.`,
    remedy: 'Look at what runs in the agent; its own program keeps to the contract.',
  });
}

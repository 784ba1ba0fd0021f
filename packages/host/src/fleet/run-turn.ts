import { NEWS_OF } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type Refusal, RefusalBody } from '@openlegion/contract/refusal';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { Delivery, Outcome } from '../lanes/delivery.ts';
import type { Message } from '../lanes/message.ts';
import type { Pipe, PipeResponse } from '../pipe/pipe.ts';
import { FLEET_LIMITS } from './fleet-limits.ts';
import { readTurnEvents } from './read-turn-events.ts';

const REFUSAL_CHARS = 16 * 1024;

/**
 * Gives the message to the agent and follows its turn. `ended` comes only from the agent's own `turn_ended`;
 * everything else that ends the stream is `interrupted`.
 */
export async function runTurn(
  pipe: Pipe,
  { message, text, task }: Delivery,
  onEvent: (event: TurnEvent) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const answer = await pipe.request({
      method: 'POST',
      path: '/chat/stream',
      body: JSON.stringify({
        ...{ messageId: message.id, traceId: message.traceId, from: senderOf(message), text },
        ...(task && { mode: 'task', task }),
      }),
      headersTimeoutMs: 30_000,
      maxBodyBytes: FLEET_LIMITS.turnBytes,
      signal,
    });
    if (answer.status !== 200) {
      const refusal = await readRefusal(answer);
      if (refusal) return { kind: 'interrupted', refusal };
      return interrupted(`The agent answered the message with status ${answer.status}.`);
    }
    for await (const event of readTurnEvents(answer.body)) {
      onEvent(event);
      if (event.type !== 'turn_ended') continue;
      answer.body.destroy();
      const status = event.status === 'complete' ? 'done' : event.status;
      const { result = null, promotions = [] } = event;
      const produced = task && { produced: { result, promotions } };
      return { kind: 'ended', status, text: event.text, refusal: event.refusal ?? null, ...produced };
    }
    return interrupted('The agent ended its answer in the middle of the turn.');
  } catch (error) {
    if (error instanceof OpenLegionError) return { kind: 'interrupted', refusal: error.refusal };
    return interrupted('The turn was cut off.');
  }
}

/** What the agent says is in its way (a full disk), where it says it as every refusal is said. */
async function readRefusal({ body }: PipeResponse): Promise<Refusal | null> {
  let text = '';
  for await (const chunk of body) {
    text += chunk;
    if (text.length > REFUSAL_CHARS) return null;
  }
  try {
    const { code, rule, message, remedy } = RefusalBody.parse(JSON.parse(text)).error;
    return { code, rule, message, remedy };
  } catch {
    return null;
  }
}

/** Tasks wait in the lane one by one; what is collected from an agent is what it has to tell. */
function senderOf({ sender, mode }: Message): string {
  return mode === 'collect' && sender !== 'operator' ? `${NEWS_OF}${sender}` : sender;
}

function interrupted(message: string): Outcome {
  return {
    kind: 'interrupted',
    refusal: {
      code: 'upstream_failed',
      rule: 'fleet.turn',
      message,
      remedy: 'Send the message again; see "./openlegion audit tail" for what ended the agent.',
    },
  };
}

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageAccepted } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ControlClient } from './control-client.ts';

/**
 * Hands a message to the host; resolves once it is on disk there. A connection that breaks is tried again with the
 * same idempotency key, so that the message is accepted once.
 */
export async function sendMessage(
  control: ControlClient,
  agent: string,
  text: string,
): Promise<MessageAccepted> {
  const idempotencyKey = randomUUID();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await control.json(MessageAccepted, {
        method: 'POST',
        path: `/api/agents/${encodeURIComponent(agent)}/messages`,
        json: { text, idempotencyKey },
      });
    } catch (error) {
      const again = error instanceof OpenLegionError && error.rule === 'control.unreachable' && attempt < 20;
      if (!again) throw error;
      await delay(500);
    }
  }
}

import { Publish, Published, Subscribe } from '@openlegion/contract/pubsub';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from '../tools/answer-of-mesh.ts';
import { type AnyTool, defineTool } from '../tools/tool.ts';

/** Tells all who are subscribed to a topic. The same call is the same event however often it arrives. */
export function createPublishEvent(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'publish_event',
    description:
      'Publish an event on a topic of your team: every subscriber gets it at least once, and may be woken by it.',
    schema: Publish.omit({ idempotencyKey: true }),
    run: ({ topic, payload }, { signal, messageId, callId }) =>
      orRefused(async () => {
        const event = { topic, payload, idempotencyKey: `${messageId}:${callId}` };
        const { eventId, subscribers } = Published.parse(
          await answerOfMesh(mesh, signal, '/mesh/publish', event),
        );
        return { outcome: 'ok', output: `published as ${eventId} to ${subscribers} subscribers` };
      }),
  });
}

/** Also the end of a subscription: one tool, since a model has only so much room for them. */
export function createSubscribeEvent(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'subscribe_event',
    description:
      'Subscribe to a topic of your team. wake: each event starts a turn of yours. inbox: events wait for check_inbox. off: no more.',
    schema: Subscribe.extend({ mode: z.enum(['wake', 'inbox', 'off']).default('wake') }),
    run: ({ topic, mode }, { signal }) =>
      orRefused(async () => {
        if (mode === 'off') await answerOfMesh(mesh, signal, '/mesh/unsubscribe', { topic });
        else await answerOfMesh(mesh, signal, '/mesh/subscribe', { topic, mode });
        const now = mode === 'off' ? 'no longer subscribed' : `subscribed (${mode})`;
        return { outcome: 'ok', output: `${now}: ${topic}` };
      }),
  });
}

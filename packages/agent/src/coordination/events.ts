import { Publish, Published, Subscribed } from '@openlegion/contract/pubsub';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from '../tools/answer-of-mesh.ts';
import { type AnyTool, defineTool } from '../tools/tool.ts';

/** Topics, as tools. A repeated call publishes the same event once. */
export function createEventTools(mesh: MeshClient): AnyTool[] {
  return [
    defineTool({
      name: 'publish_event',
      description: 'Tell all who listen to a topic that something happened. The payload is any JSON.',
      schema: z.strictObject({ topic: z.string().min(1).max(200), payload: z.unknown().describe('any JSON') }),
      run: ({ topic, payload = null }, { messageId, callId, signal }) =>
        orRefused(async () => {
          const event = Publish.parse({ topic, payload, idempotencyKey: `${messageId}:${callId}` });
          const answer = await answerOfMesh(mesh, signal, '/mesh/publish', event);
          const { subscribers } = Published.parse(answer);
          return { outcome: 'ok', output: `published; ${subscribers} subscribed to ${topic}` };
        }),
    }),
    defineTool({
      name: 'subscribe_event',
      description:
        'Be told of the events of a topic from now on: each comes to you as a message of its own. With stop you are told no more.',
      schema: z.strictObject({ topic: z.string().min(1).max(200), stop: z.boolean().default(false) }),
      run: ({ topic, stop }, { signal }) =>
        orRefused(async () => {
          if (stop) {
            await answerOfMesh(mesh, signal, '/mesh/unsubscribe', { topic });
            return { outcome: 'ok', output: `no longer subscribed to ${topic}` };
          }
          Subscribed.parse(await answerOfMesh(mesh, signal, '/mesh/subscribe', { topic, mode: 'wake' }));
          return { outcome: 'ok', output: `subscribed to ${topic}` };
        }),
    }),
  ];
}

import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool } from './tool.ts';

const WAIT_MS = 5 * 60_000;

/** Asks a person for a host that may not be reached. The question stays when nobody answers meanwhile. */
export function createRequestHost(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'request_host',
    description:
      'Ask a person to let you reach a host that you were refused, such as api.example.com. Waits up to five minutes; the question stays open after that.',
    schema: z.strictObject({ host: z.string().min(1).max(260) }),
    timeoutMs: WAIT_MS + 10_000,
    run: ({ host }, { messageId, callId, signal }) =>
      orRefused(async () => {
        const limit = AbortSignal.timeout(WAIT_MS);
        const asked = { tool: 'egress', arguments: JSON.stringify({ host }), key: `${messageId}:${callId}` };
        try {
          const answer = await answerOfMesh(mesh, AbortSignal.any([signal, limit]), '/mesh/approvals', asked);
          const { by } = ApprovalGiven.parse(answer);
          return {
            outcome: 'ok',
            output: `${by} said yes to ${host}: try again, in a moment if it is still refused`,
          };
        } catch (error) {
          if (!limit.aborted || signal.aborted) throw error;
          return { outcome: 'error', output: `nobody has answered yet; the question for ${host} stays open` };
        }
      }),
  });
}

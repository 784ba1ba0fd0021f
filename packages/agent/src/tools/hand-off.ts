import { HandoffAnswer, HandoffRequest } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** Gives a task to another agent of the fleet. The same call is the same task however often it arrives. */
export function createHandOff(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'hand_off',
    description:
      'Hand a task to another agent. It does not share your files or memory: say everything that it needs. You do not wait for it; its result goes to the user.',
    schema: HandoffRequest.omit({ idempotencyKey: true }),
    run: async ({ to, task }, { messageId, callId, signal }) => {
      try {
        const answer = await mesh.call({
          method: 'POST',
          path: '/mesh/handoff',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ to, task, idempotencyKey: `${messageId}:${callId}` }),
          signal,
        });
        const accepted = HandoffAnswer.parse(await readMeshJson(answer));
        return { outcome: 'ok', output: `handed to ${accepted.to} as task ${accepted.taskId}` };
      } catch (error) {
        if (!(error instanceof OpenLegionError)) throw error;
        return { outcome: 'refused', output: `${error.message} (${error.rule}) ${error.remedy}` };
      }
    },
  });
}

import { HandoffAnswer, HandoffRequest } from '@openlegion/contract/mesh-api';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** Gives a task to another agent of the fleet. The same call is the same task however often it arrives. */
export function createHandOff(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'hand_off',
    description:
      'Hand a task to another agent. It does not share your files or memory: say everything that it needs. You do not wait for it: its result comes back to you as a message.',
    schema: HandoffRequest.omit({ idempotencyKey: true }),
    run: ({ to, task }, { messageId, callId, signal }) =>
      orRefused(async () => {
        const request = { to, task, idempotencyKey: `${messageId}:${callId}` };
        const accepted = HandoffAnswer.parse(await answerOfMesh(mesh, signal, '/mesh/handoff', request));
        return { outcome: 'ok', output: `handed to ${accepted.to} as task ${accepted.taskId}` };
      }),
  });
}

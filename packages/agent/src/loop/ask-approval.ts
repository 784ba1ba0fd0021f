import { ApprovalGiven } from '@openlegion/contract/mesh-api';
import type { History } from '../history/create-history.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { grantingEntry } from '../skills/is-granted.ts';
import { answerOfMesh, orRefused } from '../tools/answer-of-mesh.ts';
import type { ToolResult } from '../tools/tool.ts';

/** Most characters of arguments that a person is asked to look through. */
const MAX_ARGUMENTS = 64 * 1024;

/** Undefined: it may run. Otherwise what the model is told instead. */
export type AskApproval = (call: {
  tool: string;
  input: unknown;
  messageId: string;
  callId: string;
  signal: AbortSignal;
}) => Promise<ToolResult | undefined>;

/**
 * Asks the host before each call of a tool whose entry in `granted` is in `askFor` too; the host answers when a
 * person did. What is shown is the JSON that will run. That the call waits is in `history` until it may run; none is
 * given where another program makes the call, of which nobody knows whether it waits. Agent-enforced, for an honest
 * agent's sake: what must not happen without a person is refused where it takes effect.
 */
export function createAskApproval(
  mesh: MeshClient,
  { granted, askFor }: { granted: readonly string[]; askFor: readonly string[] },
  history?: Pick<History, 'recordWaiting' | 'endWaiting'>,
): AskApproval {
  const asks = (tool: string) => askFor.includes(grantingEntry(granted, tool) ?? tool);
  return async ({ tool, input, messageId, callId, signal }) => {
    if (!asks(tool)) return undefined;
    const shown = JSON.stringify(input);
    if (shown.length > MAX_ARGUMENTS) {
      return {
        outcome: 'refused',
        output: `not run: a person must approve each call of ${tool}, and its arguments are longer than the ${MAX_ARGUMENTS} characters that one can be asked to read`,
      };
    }
    let approved = false;
    const answer = await orRefused(async () => {
      const request = { tool, arguments: shown, key: `${messageId}:${callId}` };
      history?.recordWaiting(messageId, callId);
      const given = ApprovalGiven.parse(await answerOfMesh(mesh, signal, '/mesh/approvals', request));
      history?.endWaiting(messageId, callId);
      approved = true;
      return { outcome: 'ok', output: given.by };
    });
    return approved ? undefined : { ...answer, output: `not run: ${answer.output}` };
  };
}

import { AskApproval } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { jsonRoute, type MeshRoute } from '../mesh/mesh-routes.ts';
import type { ToolApprovals } from './tool-approvals.ts';

const BODY_BYTES = 256 * 1024;

/** Row for the table of mesh routes: an agent asks a person about a call, and is answered when the person did. */
export function askRoute(tools: ToolApprovals): MeshRoute {
  return jsonRoute({
    method: 'POST',
    path: '/mesh/approvals',
    zone: 1,
    permission: 'self',
    tool: null,
    atATime: 8,
    schema: AskApproval,
    maxBytes: BODY_BYTES,
    async run(agent, { stream }, asked) {
      // People take longer than any stream may be silent.
      stream.setTimeout(0);
      const gone = new AbortController();
      stream.once('close', () => gone.abort());
      if (stream.destroyed || stream.closed) return undefined;
      const answer = await tools.ask(agent, asked, gone.signal).catch((error: unknown) => {
        if (gone.signal.aborted) return null;
        throw error;
      });
      if (answer === null) return undefined;
      if (!answer.ok) throw new OpenLegionError(answer.refusal);
      return answer.value;
    },
  });
}

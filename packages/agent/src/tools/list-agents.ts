import { AgentList } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** Who else is in the fleet, as far as this agent may message them. */
export function createListAgents(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'list_agents',
    description: 'List the agents that you can hand tasks to, with their roles and capabilities.',
    schema: z.strictObject({}),
    run: async (_input, { signal }) => {
      try {
        const answer = await mesh.call({ method: 'GET', path: '/mesh/agents', signal });
        const { agents } = AgentList.parse(await readMeshJson(answer));
        const lines = agents.map(
          ({ name, role, capabilities }) =>
            `${name}: ${role || 'no role given'}${capabilities.length > 0 ? ` (${capabilities.join(', ')})` : ''}`,
        );
        return { outcome: 'ok', output: lines.join('\n') || 'none that you may message' };
      } catch (error) {
        if (!(error instanceof OpenLegionError)) throw error;
        return { outcome: 'refused', output: `${error.message} (${error.rule}) ${error.remedy}` };
      }
    },
  });
}

import { AgentList } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** Who else is in the fleet, as far as this agent may message them. */
export function createListAgents(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'list_agents',
    description: 'List the agents that you can hand tasks to, with their roles and capabilities.',
    schema: z.strictObject({}),
    run: (_input, { signal }) =>
      orRefused(async () => {
        const { agents } = AgentList.parse(await answerOfMesh(mesh, signal, '/mesh/agents'));
        const lines = agents.map(
          ({ name, role, capabilities }) =>
            `${name}: ${role || 'no role given'}${capabilities.length > 0 ? ` (${capabilities.join(', ')})` : ''}`,
        );
        return { outcome: 'ok', output: lines.join('\n') || 'none that you may message' };
      }),
  });
}

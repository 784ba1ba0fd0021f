import { SpawnAgent, type SpawnedList } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ToolApprovals } from '../approvals/tool-approvals.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import { readJsonBody } from '../mesh/read-json-body.ts';
import type { TaskTurn } from '../tasks/agent-tasks.ts';
import type { SpawnedAgents } from './spawned-agents.ts';

const BODY_BYTES = 512 * 1024;

export function spawnRoutes(
  spawned: SpawnedAgents,
  turnOf: (agent: string) => TaskTurn | null,
  /** Why a call of `spawn_agent` that is set to `ask` may not be made; null where it may. */
  approval: ToolApprovals['refusalOf'],
): readonly MeshRoute[] {
  return [
    {
      method: 'POST',
      path: '/mesh/spawn',
      zone: 1,
      permission: 'can_spawn',
      async run(agent, { stream }) {
        const request = await readJsonBody(stream, SpawnAgent, BODY_BYTES);
        const refusal = await approval(agent, 'spawn_agent', request);
        if (refusal) throw new OpenLegionError(refusal);
        const done = await spawned.spawn(agent, request, turnOf(agent.name));
        if (!done.ok) throw new OpenLegionError(done.refusal);
        return done.value;
      },
    },
    {
      method: 'GET',
      path: '/mesh/spawn',
      zone: 1,
      permission: 'self',
      run: async ({ name }): Promise<SpawnedList> => ({ agents: spawned.of(name) }),
    },
  ];
}

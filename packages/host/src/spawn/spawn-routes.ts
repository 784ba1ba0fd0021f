import { SpawnAgent, type SpawnedList } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { jsonRoute, type MeshRoute } from '../mesh/mesh-routes.ts';
import type { TaskTurn } from '../tasks/agent-tasks.ts';
import type { SpawnedAgents } from './spawned-agents.ts';

const BODY_BYTES = 512 * 1024;

export function spawnRoutes(
  spawned: SpawnedAgents,
  turnOf: (agent: string) => TaskTurn | null,
): readonly MeshRoute[] {
  return [
    jsonRoute({
      method: 'POST',
      path: '/mesh/spawn',
      zone: 1,
      permission: 'can_spawn',
      tool: { names: ['spawn_agent'], arguments: SpawnAgent.omit({ idempotencyKey: true }) },
      schema: SpawnAgent,
      maxBytes: BODY_BYTES,
      async run(agent, _, request) {
        const done = await spawned.spawn(agent, request, turnOf(agent.name));
        if (!done.ok) throw new OpenLegionError(done.refusal);
        return done.value;
      },
    }),
    {
      method: 'GET',
      path: '/mesh/spawn',
      zone: 1,
      permission: 'self',
      tool: null,
      run: async ({ name }): Promise<SpawnedList> => ({ agents: spawned.of(name) }),
    },
  ];
}

import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { LiveConfig } from '../config/live-config.ts';
import type { Sandboxes } from '../fleet/agent-container.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { NewId } from '../ids.ts';
import type { Database } from '../store/database.ts';
import type { Coordination } from '../tasks/wire-coordination.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { spawnRoutes } from './spawn-routes.ts';
import { createSpawnedAgents } from './spawned-agents.ts';

/** Spawned agents as part of the host: from here on they are among the agents of the configuration. */
export function wireSpawn(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  config: LiveConfig;
  newId: NewId;
  coordination: Coordination;
  fleet: () => Fleet;
  vault: VaultView;
  installation: string;
  sandboxes: Sandboxes;
  warn: (message: string) => void;
}) {
  const { config, coordination, fleet, vault, installation, sandboxes, newId } = parts;
  const spawned = createSpawnedAgents({
    ...parts,
    agents: () => config.agents,
    tasks: coordination.tasks,
    newTaskId: () => newId('msg'),
    async changed() {
      // The keeper first: until it knows an agent it refuses it everything.
      await vault.pushPolicy();
      await fleet().reload();
    },
    async removeVolume(agent) {
      const { backend } = await sandboxes();
      await backend.removeVolume(installation, agent);
    },
  });
  config.extend(spawned.over);
  return { spawned, meshRoutes: spawnRoutes(spawned, coordination.turnOf) };
}

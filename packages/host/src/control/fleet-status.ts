import type { FleetStatus } from '@openlegion/contract/control-api';
import type { CoordinationAttention } from '@openlegion/contract/control-coordination';
import { type Clock, isoTime } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { SandboxCapabilities } from '../sandbox/sandbox-backend.ts';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { VaultView } from '../vault/vault-view.ts';

/** The whole fleet at a glance. A part that is away shows as away; it never keeps the rest from being shown. */
export async function fleetStatus(parts: {
  config: FleetConfig;
  fleet: Fleet;
  lanes: Lanes;
  keeper: KeeperClient;
  vault: VaultView;
  clock: Clock;
  version: string;
  startedAt: string;
  /** Null while the engine has not been found or is not ready. */
  capabilities: () => Promise<SandboxCapabilities | null>;
  /** Why it is not ready, for people. */
  engineProblem: () => string;
  attention: () => CoordinationAttention;
  /** What the catalog says against an agent's model; null when nothing. */
  modelProblem: (agent: string) => string | null;
}): Promise<FleetStatus> {
  const { config, fleet, lanes, keeper, vault } = parts;
  const [engine, costs, warned, health] = await Promise.all([
    parts.capabilities().catch(() => null),
    keeper.costs().catch(() => null),
    keeper.warnings().catch(() => ({ warnings: [] })),
    vault.modelHealth().catch(() => []),
  ]);
  const now = isoTime(parts.clock);
  const agents = await Promise.all(
    [...config.agents.values()].map(async ({ name, role, model, budget }) => {
      const life = await fleet.get(name)?.status();
      return {
        name,
        role,
        model,
        state: life?.state ?? 'stopped',
        containerId: life?.containerId ?? null,
        queued: lanes.queued(name),
        memoryBytes: life?.memoryBytes ?? null,
        restarts: life?.restarts ?? 0,
        spentTodayMicroUsd: costs?.agents[name]?.spentTodayMicroUsd ?? 0,
        dailyMicroUsd: budget.daily_usd,
        reason: life?.reason ?? parts.modelProblem(name),
      } as const;
    }),
  );
  return {
    version: parts.version,
    pid: process.pid,
    startedAt: parts.startedAt,
    engine: {
      name: engine?.engine ?? 'not ready',
      version: engine?.engineVersion ?? '',
      runtime: engine?.runtime ?? '',
      cannotEnforce: engine?.cannotEnforce.map(({ enforcement, why }) => `${enforcement}: ${why}`) ?? [],
      reason: engine ? null : parts.engineProblem(),
    },
    vault: vault.state(),
    warnings: warned.warnings,
    cooling: health.flatMap(({ model, lastStatus, coolingUntil }) =>
      coolingUntil !== null && coolingUntil > now ? [{ model, lastStatus, until: coolingUntil }] : [],
    ),
    attention: parts.attention(),
    agents,
  };
}

import { mkdirSync } from 'node:fs';
import { dataPaths, socketPaths } from '@openlegion/contract/installation';
import { type AuditLog, createAuditLog } from './audit/audit-log.ts';
import { type Checkpoints, createCheckpoints } from './audit/checkpoints.ts';
import { type Clock, isoTime } from './clock.ts';
import { createLiveConfig, type LiveConfig } from './config/live-config.ts';
import { createEventLog, type EventLog } from './delivery/event-log.ts';
import type { HostParts } from './host-parts.ts';
import { agentModelProblems } from './models/agent-model-problems.ts';
import { checkFailoverModels } from './models/check-failover.ts';
import { embeddingModelProblem } from './models/embedding-model.ts';
import { type Database, openDatabase } from './store/database.ts';
import { MESH_MIGRATIONS } from './store/mesh-schema.ts';
import { createGatewayClient, type GatewayClient } from './vault/gateway-client.ts';
import { createKeeperClient, type KeeperClient } from './vault/keeper-client.ts';
import { createVaultView, type VaultView } from './vault/vault-view.ts';

/** What everything else of a host stands on: its store and its ends of the vault. */
export interface OpenedHost {
  home: string;
  startedAt: string;
  config: LiveConfig;
  database: Database;
  audit: AuditLog;
  events: EventLog;
  gateway: GatewayClient;
  keeper: KeeperClient;
  vault: VaultView;
  checkpoints: Checkpoints;
  /** Why an agent's model cannot be called; null where it can, as far as is known. */
  modelProblem: (agent: string) => string | null;
  clock: Clock;
  warn: (message: string) => void;
}

/** Opens them, and records that the host has started. How each is closed is put on `cleanup` as soon as it is open. */
export async function openHost(
  { settings, clock, log: warn, ...parts }: HostParts,
  cleanup: AsyncDisposableStack,
): Promise<OpenedHost> {
  const { home } = settings;
  const startedAt = isoTime(clock);
  const config = createLiveConfig(parts.config);
  const paths = dataPaths(home);
  const sockets = socketPaths(settings.run);
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });

  const database = openDatabase({ path: paths.meshDatabase, migrations: MESH_MIGRATIONS });
  cleanup.defer(() => database.close());
  let signing: Checkpoints | undefined;
  const audit = createAuditLog({ database, clock, onRecord: () => signing?.onRecord() });
  const events = createEventLog({ database, clock, warn });
  cleanup.defer(() => events.flush());
  await audit.record({
    type: 'host.started',
    actor: 'host',
    subject: 'host',
    detail: { version: parts.version, pid: process.pid },
  });

  const gateway = createGatewayClient({ socketPath: sockets.gateway });
  cleanup.defer(() => gateway.close());
  const keeper = createKeeperClient({
    socketPath: sockets.keeperHost,
    clock,
    onConnect: () => void vault.pushPolicy(),
  });
  cleanup.defer(() => keeper.close());
  const modelProblems = new Map<string, string>();
  const vault = createVaultView({
    config,
    keeper: () => keeper,
    gateway,
    clock,
    warn,
    onProviders(providers, missing) {
      for (const id of missing)
        warn(`llm.providers.${id} is not in the catalog and has no base_url: it is left out`);
      modelProblems.clear();
      for (const [name, { reason, remedy }] of agentModelProblems(config.agents.values(), providers)) {
        modelProblems.set(name, reason);
        warn(`${name}: ${reason}. ${remedy}`);
      }
      for (const { message, remedy } of checkFailoverModels(config.mesh.llm.failover, providers))
        warn(`llm.failover: ${message}. ${remedy}`);
      const embedding = embeddingModelProblem(config.mesh.llm.embedding_model, providers);
      if (embedding) warn(`${embedding.message}. ${embedding.remedy}`);
    },
  });
  const checkpoints = createCheckpoints({
    clock,
    audit: () => audit,
    sign: (seq, hash) => keeper.checkpoint(seq, hash),
    warn,
  });
  signing = checkpoints;
  cleanup.defer(() => checkpoints.stop());
  cleanup.defer(() => vault.stop());
  await vault.start();
  const modelProblem = (agent: string) => modelProblems.get(agent) ?? null;
  return {
    ...{ home, config, database, audit, events, gateway, keeper, vault, checkpoints, modelProblem },
    ...{ clock, warn, startedAt },
  };
}

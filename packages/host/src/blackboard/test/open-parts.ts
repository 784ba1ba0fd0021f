import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { type AuditLog, createAuditLog } from '../../audit/audit-log.ts';
import type { AgentSettings } from '../../config/fleet-config.ts';
import { settingsOf } from '../../config/load-config.ts';
import { createManualClock } from '../../manual-clock.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { MESH_MIGRATIONS } from '../../store/mesh-schema.ts';

export const TEST_MIGRATIONS = MESH_MIGRATIONS;

export interface Parts extends Disposable {
  database: Database;
  audit: AuditLog;
  clock: ReturnType<typeof createManualClock>;
  /** Types of the audit log's records, oldest first. */
  audited(): string[];
}

/** A real store with a clock that is turned by hand. */
export function openParts(): Parts {
  const directory = mkdtempSync(`${tmpdir()}/openlegion-coordination-`);
  const clock = createManualClock();
  const database = openDatabase({ path: `${directory}/mesh.db`, migrations: TEST_MIGRATIONS });
  const audit = createAuditLog({ database, clock });
  return {
    database,
    audit,
    clock,
    audited: () => audit.read(0, 10_000).map(({ type }) => type),
    [Symbol.dispose]() {
      database.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Agents by name, with what their records of permissions.json and agents.yaml say. */
export function agentsOf(
  agents: Record<string, { team?: string; capabilities?: string[]; permissions?: object }>,
): Map<string, AgentSettings> {
  const entries = Object.entries(agents);
  const config = AgentsConfig.parse({
    agents: Object.fromEntries(entries.map(([name, { permissions: _, ...settings }]) => [name, settings])),
  });
  const permissions = PermissionsConfig.parse({
    permissions: Object.fromEntries(entries.map(([name, agent]) => [name, agent.permissions ?? {}])),
  });
  return new Map(settingsOf(MeshConfig.parse({}), config, permissions));
}

export function agentOf(agents: ReadonlyMap<string, AgentSettings>, name: string): AgentSettings {
  const agent = agents.get(name);
  if (!agent) throw new Error(`no agent ${name}`);
  return agent;
}

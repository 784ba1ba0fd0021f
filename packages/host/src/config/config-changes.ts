import type { ConfigReloaded } from '@openlegion/contract/control-api';
import { editPermission } from '@openlegion/contract/edit-permissions';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { permissionChanges, recordPermissionChanges } from '../permissions/permission-changes.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { describeChange } from './describe-change.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { LiveConfig } from './live-config.ts';
import { stageEdit } from './stage-edit.ts';

/** A host that an approver let an agent reach. */
export interface HostGrant {
  agent: string;
  host: string;
  by: string;
  /** The id of the question. */
  approval: string;
}

/** What changes the configuration while the host runs: one change at a time, in the order they were asked for. */
export interface ConfigChanges {
  /**
   * Reads the three files again, as the operator asked. A bad file changes nothing and is `bad_request` with every
   * problem. Otherwise the new configuration is recorded, applies at once in the host, keeper and gateway, and agents
   * are started anew, when their turn is over, where something that is fixed at their start has changed. Throws
   * `unavailable` where keeper or gateway do not answer: the new one applies in the host, and they are told it as
   * soon as they are back.
   */
  reload(by: string): Promise<ConfigReloaded>;
  /**
   * Adds the host to `allowed_domains` of the agent, in config/permissions.json and in what applies now; nothing else
   * that was changed in the files comes into force with it. Recorded before it is. Throws where the agent is gone or
   * the file cannot be changed, and then nothing is. Doing it again changes nothing more.
   */
  allowHost(grant: HostGrant): Promise<void>;
}

export function createConfigChanges(parts: {
  /** Path of config/permissions.json. */
  permissionsFile: string;
  live: LiveConfig;
  read: () => FleetConfig;
  audit: AuditLog;
  vault: Pick<VaultView, 'reload'>;
  fleet: Pick<Fleet, 'reload'>;
  warn: (message: string) => void;
}): ConfigChanges {
  const { live, read, audit, vault, fleet, warn } = parts;
  let last: Promise<unknown> = Promise.resolve();

  function inOrder<T>(change: () => Promise<T>): Promise<T> {
    const mine = last.then(change);
    last = mine.catch(() => {});
    return mine;
  }

  async function apply(next: FleetConfig): Promise<string[]> {
    live.replace(next);
    let restarted: string[] = [];
    try {
      await vault.reload();
    } finally {
      // Also where the vault is away: agents that are gone end now.
      restarted = await fleet.reload();
    }
    return restarted;
  }

  async function reload(by: string): Promise<ConfigReloaded> {
    const next = read();
    const changed = describeChange(live.configured, next);
    await audit.record({
      type: 'config.reloaded',
      actor: by,
      subject: 'configuration',
      decision: 'allowed',
      rule: 'role.admin',
      detail: { changed: changed.join(', ').slice(0, 4000), count: changed.length },
    });
    const made = { actor: by, rule: 'role.admin', detail: {} };
    await recordPermissionChanges(audit, made, permissionChanges(live.configured, next));
    return { changed, restarted: await apply(next) };
  }

  async function allowHost({ agent, host, by, approval }: HostGrant): Promise<void> {
    const next = withHost(live.configured, agent, host);
    // On disk beside the file before it is recorded: what can fail has failed by then.
    using edit = stageEdit(parts.permissionsFile, (text) =>
      editPermission(text, agent, 'allowed_domains', { grant: host }),
    );
    const made = { actor: by, rule: 'approvals.approvers', detail: { approval } };
    await recordPermissionChanges(audit, made, permissionChanges(live.configured, next));
    edit.commit();
    try {
      await apply(next);
    } catch (error) {
      if (!(error instanceof OpenLegionError)) throw error;
      // While the vault is away it lets nothing through, and it is told of this before it does.
      warn(`${agent} may reach ${host}, and the vault hears of it later: ${error.message}`);
    }
  }

  return {
    reload: (by) => inOrder(() => reload(by)),
    allowHost: (grant) => inOrder(() => allowHost(grant)),
  };
}

/** An agent that had the record of `default` has its own from here on, as in the file. */
function withHost(configured: FleetConfig, agent: string, host: string): FleetConfig {
  const settings = configured.agents.get(agent);
  if (!settings)
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'approval.agent',
      message: `There is no agent named ${JSON.stringify(agent)} any more.`,
      remedy: 'Deny it: nobody is left to reach the host.',
    });
  const { permissions } = settings;
  const allowed = [...new Set([...permissions.allowed_domains, host])];
  const granted = { ...permissions, allowed_domains: allowed };
  const now = { ...settings, permissions: granted, permissionsRecord: agent };
  return { ...configured, agents: new Map([...configured.agents, [agent, now]]) };
}

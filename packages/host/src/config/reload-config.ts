import type { ConfigReloaded } from '@openlegion/contract/control-api';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { permissionChanges, recordPermissionChanges } from '../permissions/permission-changes.ts';
import type { VaultView } from '../vault/vault-view.ts';
import { describeChange } from './describe-change.ts';
import type { FleetConfig } from './fleet-config.ts';
import type { LiveConfig } from './live-config.ts';

/**
 * Reads the three files again, as the operator asked. A bad file changes nothing and is `bad_request` with every
 * problem. Otherwise the new configuration is recorded, applies at once in the host, keeper and gateway, and agents
 * are started anew, when their turn is over, where something that is fixed at their start has changed. Throws
 * `unavailable` where keeper or gateway do not answer: the new one applies in the host, and they are told it as soon
 * as they are back. One reload at a time, in the order they were asked for.
 */
export function createReload(parts: {
  live: LiveConfig;
  read: () => FleetConfig;
  audit: AuditLog;
  vault: VaultView;
  fleet: Fleet;
}): (by: string) => Promise<ConfigReloaded> {
  const { live, read, audit, vault, fleet } = parts;
  let last: Promise<unknown> = Promise.resolve();

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
    await recordPermissionChanges(audit, by, permissionChanges(live.configured, next));
    live.replace(next);
    await vault.reload();
    return { changed, restarted: await fleet.reload() };
  }

  return (by) => {
    const mine = last.then(() => reload(by));
    last = mine.catch(() => {});
    return mine;
  };
}

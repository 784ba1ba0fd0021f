import type { ControlCaller } from '@openlegion/contract/control-caller';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { ControlRoute } from './control-routes.ts';

/** A script that asks what it may not, over and over, must not fill the disk: once a minute for each person and route. */
const EVERY_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/** Records that a person was refused for their role. */
export function createRoleDenials(audit: AuditLog, clock: Clock) {
  const last = new Map<string, number>();
  return async (caller: ControlCaller, { method, path, permission }: ControlRoute): Promise<void> => {
    const subject = `${method} ${path}`;
    const key = `${caller.name} ${subject}`;
    const now = clock.now();
    if (now - (last.get(key) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    if (last.size >= MOST_REMEMBERED) last.clear();
    last.set(key, now);
    await audit.record({
      type: 'permission.denied',
      actor: caller.name,
      subject,
      decision: 'denied',
      rule: `role.${permission}`,
    });
  };
}

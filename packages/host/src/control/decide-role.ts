import { type ControlCaller, Role } from '@openlegion/contract/control-caller';
import type { Refusal } from '@openlegion/contract/refusal';

/** Why a person may not use a route that takes this role at least; null when they may. Each contains those before it. */
export function refuseRole(caller: ControlCaller, least: Role): Refusal | null {
  const { options } = Role;
  if (options.indexOf(caller.role) >= options.indexOf(least)) return null;
  return {
    code: 'denied',
    rule: `role.${least}`,
    message: `${caller.name} has the role "${caller.role}", and this takes "${least}" at least.`,
    remedy: `An admin can give you a token that may: ./openlegion token create NAME --role ${least}`,
  };
}

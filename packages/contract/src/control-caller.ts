import { z } from 'zod';

/**
 * What a token of the control API may do; each contains those before it. `viewer` reads. `operator` sends messages
 * and changes state. `approver` also answers what waits for a person. `admin` changes grants, tokens and the
 * configuration.
 */
export const Role = z.enum(['viewer', 'operator', 'approver', 'admin']);
export type Role = z.infer<typeof Role>;

/** Who asks, as the token says. The one of `data/control.token` is `operator`, with the role `admin`. */
export interface ControlCaller {
  name: string;
  role: Role;
}

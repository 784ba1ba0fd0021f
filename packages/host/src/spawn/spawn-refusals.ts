import type { Refusal } from '@openlegion/contract/refusal';
import type { AgentSettings } from '../config/fleet-config.ts';
import { MOST_DEPTH, MOST_LIVING } from './spawn-limits.ts';

export const spawnRefusals = {
  notGranted: ({ name, permissionsRecord }: AgentSettings): Refusal => ({
    code: 'denied',
    rule: `permissions.${permissionsRecord}.can_spawn`,
    message: `${name} is not granted can_spawn.`,
    remedy: `An operator can set can_spawn of "${name}" in config/permissions.json.`,
  }),
  beyondOwn: ({ permissionsRecord }: AgentSettings, what: readonly string[]): Refusal => ({
    code: 'denied',
    rule: `permissions.${permissionsRecord}`,
    message: `A spawned agent is granted nothing that its parent is not: ${what.slice(0, 10).join(', ')}.`,
    remedy: 'Ask for tools, domains and credentials exactly as they are granted to you: see introspect.',
  }),
  tooDeep: (): Refusal => ({
    code: 'denied',
    rule: 'spawn.depth',
    message: `Spawned agents can spawn others ${MOST_DEPTH} deep, no deeper.`,
    remedy: 'Do the task yourself, or hand it to your parent.',
  }),
  tooMany: (): Refusal => ({
    code: 'rate_limited',
    rule: 'spawn.living',
    message: `${MOST_LIVING} agents that you spawned are alive.`,
    remedy: 'Wait for one to end, or let one do more.',
  }),
  noTurn: (): Refusal => ({
    code: 'conflict',
    rule: 'spawn.no_turn',
    message: 'An agent can be spawned only in a turn, and none is running.',
    remedy: 'Spawn while answering a message.',
  }),
  otherRequest: (): Refusal => ({
    code: 'conflict',
    rule: 'spawn.idempotency_key',
    message: 'This idempotency key was used for another agent.',
    remedy: 'Use a new key for a new agent.',
  }),
};

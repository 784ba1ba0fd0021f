import type { Refusal } from '@openlegion/contract/refusal';
import { namespaceOf } from '../blackboard/namespace-of.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import { decidePermission } from '../router/decide-permission.ts';
import { taskRefusals } from './refusals.ts';

/** What the host knows of an agent, for choosing whom to give a task. */
export interface AgentHealth {
  /** Why it takes nothing (it failed and waits for the operator); null when it does. One that sleeps is woken. */
  closedFor: (agent: string) => Refusal | null;
  /** At work, but its loop has not moved for long. */
  isStuck: (agent: string) => boolean;
  /** Messages and tasks that wait for it or run. */
  load: (agent: string) => number;
}

export type Assignee = { ok: true; agent: string; rule: string } | { ok: false; refusal: Refusal };

/**
 * Whom a task of `sender` goes to. A name must be granted by `can_message` and not be of another team. A
 * `capability:` goes to the least busy of those who have it, may be given it and are alive: neither failed nor stuck.
 * An agent that does not exist is refused like one that may not be messaged.
 */
export function chooseAssignee(
  sender: AgentSettings,
  to: string,
  { agents }: Pick<FleetConfig, 'agents'>,
  health: AgentHealth,
): Assignee {
  const rule = `permissions.${sender.permissionsRecord}.can_message`;
  if (to.startsWith('capability:')) {
    const capability = to.slice('capability:'.length);
    const [first] = [...agents.values()]
      .filter((agent) => agent.name !== sender.name && agent.capabilities.includes(capability))
      .filter((agent) => !isWalledOff(sender, agent))
      .filter((agent) => decidePermission(sender, 'can_message', agent.name).allowed)
      .filter(({ name }) => health.closedFor(name) === null && !health.isStuck(name))
      .map(({ name }) => ({ name, load: health.load(name) }))
      .sort((a, b) => a.load - b.load || (a.name < b.name ? -1 : 1));
    return first
      ? { ok: true, agent: first.name, rule }
      : { ok: false, refusal: taskRefusals.nobodyAble(capability, rule) };
  }
  const decision = decidePermission(sender, 'can_message', to);
  if (!decision.allowed) return { ok: false, refusal: decision.refusal };
  if (to === sender.name) return { ok: false, refusal: taskRefusals.toItself() };
  const agent = agents.get(to);
  if (!agent || isWalledOff(sender, agent)) return { ok: false, refusal: outOfReach(sender, to) };
  const closed = health.closedFor(to);
  return closed ? { ok: false, refusal: closed } : { ok: true, agent: to, rule };
}

/** The same for an agent of another team as for none: that there is one is nobody's business beyond the wall. */
export function outOfReach(sender: AgentSettings, to: string): Refusal {
  return sender.team === undefined
    ? taskRefusals.noSuchAgent(to)
    : taskRefusals.otherTeam(`teams.${sender.team}`, sender.name, to);
}

/** Two teams are; an agent without a team can stand between them, where it is granted both. */
export function isWalledOff(a: AgentSettings, b: AgentSettings): boolean {
  return a.team !== undefined && b.team !== undefined && namespaceOf(a) !== namespaceOf(b);
}

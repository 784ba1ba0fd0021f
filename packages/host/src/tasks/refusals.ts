import type { Refusal } from '@openlegion/contract/refusal';
import type { TaskStatus } from '@openlegion/contract/task';

/** Every way in which tasks themselves say no; permissions say it before. */
export const taskRefusals = {
  keyUsed: (): Refusal => ({
    code: 'conflict',
    rule: 'tasks.idempotency_key',
    message: 'This idempotency key was used for another task.',
    remedy: 'Use a new key for a new task, and the old one only to repeat the old task unchanged.',
  }),
  tooLarge: (what: 'task' | 'result', bytes: number): Refusal => ({
    code: 'too_large',
    rule: `tasks.${what}_bytes`,
    message: `The ${what} is larger than ${bytes} bytes.`,
    remedy: 'Put it on the blackboard or into an artifact, and say where it is.',
  }),
  hops: (most: number, path: string): Refusal => ({
    code: 'denied',
    rule: 'tasks.hop_limit',
    message: `This work has been handed on ${most} times already: ${path.slice(-1500)}.`,
    remedy: 'Look for a circle of hand-offs, and have one of the agents finish the task.',
  }),
  traceFull: (most: number, path: string): Refusal => ({
    code: 'denied',
    rule: 'tasks.trace_limit',
    message: `Agents have handed on ${most} tasks in this trace already, the last: ${path.slice(-1500)}.`,
    remedy: 'Look for a circle of hand-offs and results, or make the work a workflow.',
  }),
  originFull: (origin: string, most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'tasks.open_of_origin',
    message: `${origin} has handed on ${most} tasks that are not finished.`,
    remedy: 'Wait for results, or cancel tasks that are no longer needed.',
  }),
  assigneeFull: (assignee: string, most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'tasks.open_of_assignee',
    message: `${assignee} has ${most} unfinished tasks and takes no more for now.`,
    remedy: 'Wait until some are finished, or see with "./openlegion status" why it does not get on.',
  }),
  /** The same for a task of others as for none. */
  unknown: (): Refusal => ({
    code: 'not_found',
    rule: 'tasks.task',
    message: 'There is no such task.',
    remedy: 'List the tasks that are yours.',
  }),
  move: (from: TaskStatus, to: TaskStatus): Refusal => ({
    code: 'conflict',
    rule: 'tasks.move',
    message: `A task that is ${from} cannot become ${to}.`,
    remedy: 'Read the task again: it may have been moved by another.',
  }),
  timedOut: (): Refusal => ({
    code: 'deadline_exceeded',
    rule: 'tasks.timeout',
    message: 'The task was not finished within its time.',
    remedy: 'Hand it on again with more time, or to another agent.',
  }),
  noTurn: (): Refusal => ({
    code: 'conflict',
    rule: 'tasks.no_turn',
    message: 'A task can be handed on only in a turn, and none is running.',
    remedy: 'Hand on while answering a message.',
  }),
  toItself: (): Refusal => ({
    code: 'bad_request',
    rule: 'tasks.self',
    message: 'An agent cannot hand a task to itself.',
    remedy: 'Name another agent, or do the task in this turn.',
  }),
  otherTeam: (rule: string, sender: string, to: string): Refusal => ({
    code: 'denied',
    rule,
    message: `${sender} is not granted can_message for ${JSON.stringify(to.slice(0, 100))}.`,
    remedy:
      'There is none of that name in its team, and teams are walled off from one another: an agent without a team can be granted both.',
  }),
  noSuchAgent: (name: string): Refusal => ({
    code: 'not_found',
    rule: 'tasks.unknown_agent',
    message: `There is no agent named ${JSON.stringify(name.slice(0, 63))}.`,
    remedy: 'Use the name of an agent in config/agents.yaml.',
  }),
  nobodyAble: (capability: string, rule: string): Refusal => ({
    code: 'denied',
    rule,
    message: `No agent that may be messaged and takes tasks has the capability "${capability}".`,
    remedy:
      'An operator can grant can_message, give an agent the capability, or see why those with it are out.',
  }),
};

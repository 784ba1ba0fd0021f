import type { Guarantee } from '@openlegion/contract/control-api';
import type { AgentPermissions } from '@openlegion/contract/permissions-config';
import { RefusalBody } from '@openlegion/contract/refusal';
import { judged } from './guarantee.ts';
import type { MeshAnswers } from './observations.ts';

interface Attempt {
  /** What would have to grant it; null where nothing need. */
  grant: keyof AgentPermissions | null;
  /** Whose effect it is; null where it is of none, or where the grant is decided before the question. */
  tool: string | null;
  method: string;
  path: string;
  body?: unknown;
}

const KEY = 'context/verify';
const TEXT = { role: 'r', instructions: '', task: 'verify', idempotencyKey: 'verify' };

/**
 * What a program in a container can ask of the mesh that takes a grant or is the effect of a tool. What the way out
 * and models take is tried where those are; that there is no browser without its grant is the image's affair.
 */
export const GRANT_ATTEMPTS: readonly Attempt[] = [
  {
    ...{ grant: 'can_message', tool: 'hand_off', method: 'POST', path: '/mesh/handoff' },
    body: { to: 'verify', task: 'verify', idempotencyKey: 'verify' },
  },
  {
    ...{ grant: 'can_publish', tool: 'publish_event', method: 'POST', path: '/mesh/publish' },
    body: { topic: 'verify', payload: null },
  },
  {
    ...{ grant: 'can_subscribe', tool: 'subscribe_event', method: 'POST', path: '/mesh/subscribe' },
    body: { topic: 'verify' },
  },
  {
    ...{ grant: 'blackboard_read', tool: 'read_shared_state', method: 'POST', path: '/mesh/blackboard/get' },
    body: { key: KEY },
  },
  {
    ...{
      grant: 'blackboard_write',
      tool: 'write_shared_state',
      method: 'POST',
      path: '/mesh/blackboard/set',
    },
    body: { key: KEY, value: 1 },
  },
  { grant: 'blackboard_write', tool: 'save_artifact', method: 'PUT', path: '/mesh/artifacts/verify' },
  { grant: 'blackboard_read', tool: 'read_artifact', method: 'GET', path: '/mesh/artifacts/verify/x' },
  { grant: 'can_spawn', tool: 'spawn_agent', method: 'POST', path: '/mesh/spawn', body: TEXT },
  {
    ...{ grant: 'allowed_apis', tool: null, method: 'POST', path: '/mesh/vault/generate' },
    body: { name: 'verify', hosts: ['verify.invalid'] },
  },
  { grant: 'allowed_apis', tool: null, method: 'GET', path: '/mesh/history/verify' },
  { grant: 'allowed_credentials', tool: null, method: 'GET', path: '/services/verify/' },
  { grant: null, tool: 'notify_user', method: 'POST', path: '/mesh/notify', body: { text: 'verify' } },
  {
    ...{ grant: null, tool: 'complete_task', method: 'POST', path: '/mesh/tasks/complete' },
    body: { taskId: 'verify', result: null },
  },
  { grant: null, tool: 'introspect', method: 'GET', path: '/mesh/introspect' },
  { grant: null, tool: 'check_inbox', method: 'GET', path: '/mesh/inbox' },
];

const UNGRANTED = GRANT_ATTEMPTS.filter(({ grant }) => grant !== null);
const UNASKED = GRANT_ATTEMPTS.filter(({ tool }) => tool !== null);

/** As the probe takes them. */
const callsOf = (attempts: readonly Attempt[]) =>
  attempts.map(({ method, path, body }) => ({
    ...{ method, path },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }));

/** Of an agent without any grant. */
export const UNGRANTED_CALLS = callsOf(UNGRANTED);
/** Of one whose every tool is set to `ask`; nobody was asked. */
export const UNASKED_CALLS = callsOf(UNASKED);

export function judgeUngranted({ answers }: MeshAnswers): Guarantee {
  const seen = UNGRANTED.map(({ grant, method, path }, index) => {
    const { status = 0, body = '' } = answers[index] ?? {};
    const rule = status === 403 ? ruleOf(body) : null;
    const tried = `${grant}: ${method} ${path}`;
    return {
      refused: rule !== null,
      line: `${tried} ${rule === null ? `answered ${status}` : `refused, ${rule}`}`,
    };
  });
  return judged('host.no-grant', {
    holds: answers.length === UNGRANTED.length,
    wrong: seen.filter(({ refused }) => !refused).map(({ line }) => line),
    evidence: seen.map(({ line }) => line).join('\n'),
    why: 'A program in a container gets what its agent was not granted.',
  });
}

export function judgeUnasked({ answers }: MeshAnswers): Guarantee {
  const past = UNASKED.filter((_, index) => ruleOf(answers[index]?.body ?? '') !== 'approval.required');
  return judged('host.ask', {
    holds: answers.length === UNASKED.length,
    wrong: past.map(({ tool, method, path }) => `${tool}: ${method} ${path} was not held to an approval`),
    evidence: `refused with approval.required: ${UNASKED.map(({ tool }) => tool).join(', ')}`,
    why: 'A program in a container does without a person what its agent must ask for.',
  });
}

function ruleOf(body: string): string | null {
  try {
    return RefusalBody.parse(JSON.parse(body)).error.rule;
  } catch {
    return null;
  }
}

import type { ApprovalGiven } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import { z } from 'zod';
import { domainRemedy } from '../config/check-egress.ts';
import type { HostGrant } from '../config/config-changes.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import type { Message } from '../lanes/message.ts';
import { parseHost, reachesHost } from '../permissions/reaches-host.ts';
import type { Routed } from '../router/router.ts';
import { hashOf } from '../workflow/definition-hash.ts';
import { answerOf } from './approval-given.ts';
import type { Approval } from './approval-row.ts';
import type { Approvals } from './approvals.ts';
import { approvalRefusals } from './refusals.ts';

/** What an agent asks with: it is no tool that a model is offered. */
export const EGRESS = 'egress';

/** A name of at least two labels and perhaps a port: no address, no pattern, no name of this machine. */
const Asked = z.strictObject({
  host: z
    .string()
    .max(260)
    .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?::[1-9][0-9]{0,4})?$/)
    // Names by which clouds hand out credentials; and what a file of permissions could not hold.
    .refine((host) => !/^metadata\.goog(?:le\.internal)?(?::|$)/.test(host) && domainRemedy(host) === null),
});

const Subject = z.strictObject({
  agent: z.string(),
  allowed_domains: z.strictObject({ add: z.string() }),
});

/** What an approval of such a question allows: what its hash is of, and nothing else. */
export function hostGrantOf({ id, subject }: Approval, by: string): HostGrant {
  const { agent, allowed_domains } = Subject.parse(JSON.parse(subject));
  return { agent, host: allowed_domains.add, by, approval: id };
}

/** One that was denied is not asked again before this is over. */
const DENIED_MS = 24 * 3_600_000;

/**
 * A host that an agent may not reach, as a question. Approved, it is added to `allowed_domains`, which is what
 * decides, before the agent is told.
 */
export function createEgressApprovals(parts: {
  approvals: Approvals;
  now: () => number;
  timeoutMs: () => number;
}) {
  const { approvals, now, timeoutMs } = parts;

  /**
   * The same question for as long as it waits or was denied; then another one may be asked. The key follows from the
   * question before it, so that two who ask at once ask the same one.
   */
  function keyFor(agent: string, host: string): { key: string } | { refusal: Refusal } {
    const last = approvals.last({ kind: 'egress', asker: agent, what: host });
    if (last?.status === 'denied' && (last.answeredAt ?? 0) + DENIED_MS > now())
      return { refusal: approvalRefusals.denied(last.by ?? '', last.note) };
    return { key: last?.status === 'pending' ? last.key : `egress/${agent}/${host}/${last?.id ?? ''}` };
  }

  return async (
    agent: Pick<AgentSettings, 'name' | 'permissionsRecord' | 'parent'> & {
      permissions: Pick<AgentSettings['permissions'], 'allowed_domains'>;
    },
    text: string,
    { traceId }: Pick<Message, 'traceId'>,
    signal: AbortSignal,
  ): Promise<Routed<ApprovalGiven>> => {
    const asked = Asked.safeParse(parsed(text));
    if (!asked.success) return { ok: false, refusal: NO_HOST };
    const { host: what } = asked.data;
    const place = parseHost(what);
    const rule = `permissions.${agent.permissionsRecord}.allowed_domains`;
    const subject: z.infer<typeof Subject> = { agent: agent.name, allowed_domains: { add: what } };
    if (
      place &&
      agent.permissions.allowed_domains.some((entry) => reachesHost(entry, place.host, place.port))
    )
      return { ok: true, value: { id: '', by: `rule ${rule}`, hash: hashOf(subject) } };
    if (agent.parent !== undefined) return { ok: false, refusal: approvalRefusals.spawned(agent.parent) };
    const found = keyFor(agent.name, what);
    if ('refusal' in found) return { ok: false, refusal: found.refusal };
    const done = await approvals.ask({
      ...{ kind: 'egress', key: found.key, asker: agent.name, what, subject, traceId },
      // It outlives the turn: the host is for whatever the agent does next.
      ...{ messageId: '', expiresAt: now() + timeoutMs() },
    });
    return done.ok ? answerOf(await approvals.settled(done.value.id, signal)) : done;
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const NO_HOST: Refusal = {
  code: 'bad_request',
  rule: 'approval.host',
  message: 'This is not a host that can be asked for.',
  remedy: 'Name one host in lower case, with :port if it is not 443 or 80: {"host": "api.example.com"}.',
};

import { randomUUID } from 'node:crypto';
import { BlackboardSet } from '@openlegion/contract/blackboard';
import {
  type ApprovalGiven,
  type AskApproval,
  HandoffRequest,
  SpawnAgent,
} from '@openlegion/contract/mesh-api';
import { Publish } from '@openlegion/contract/pubsub';
import type { Refusal } from '@openlegion/contract/refusal';
import type { z } from 'zod';
import type { AgentSettings } from '../config/fleet-config.ts';
import { toolRule, toolSetting } from '../fleet/agent-tools.ts';
import type { Message } from '../lanes/message.ts';
import type { Routed } from '../router/router.ts';
import { hashOf } from '../workflow/definition-hash.ts';
import { answerOf } from './approval-given.ts';
import type { Approvals } from './approvals.ts';
import { createEgressApprovals, EGRESS } from './egress-approvals.ts';
import { approvalRefusals } from './refusals.ts';

/** Calls of tools that are set to `ask`. */
export interface ToolApprovals {
  /** Asks a person, and waits for the answer, for as long as the turn and `signal` go on. */
  ask(agent: AgentSettings, asked: AskApproval, signal: AbortSignal): Promise<Routed<ApprovalGiven>>;
  /**
   * For tools whose effect goes through the mesh, which is held to it whatever runs in the container: null where the
   * tool needs no approval, or where one of exactly this request is there, which is then spent. A request of the same
   * idempotency key in the same turn is a repetition, not another use.
   */
  refusalOf(agent: AgentSettings, tool: string, request: object): Promise<Refusal | null>;
}

export function createToolApprovals(parts: {
  approvals: Approvals;
  runningOf: (agent: string) => Message | null;
  now: () => number;
  timeoutMs: () => number;
}): ToolApprovals {
  const { approvals, now, timeoutMs } = parts;
  const askForHost = createEgressApprovals(parts);
  return {
    async ask(agent, { tool, arguments: text, key }, signal) {
      const running = parts.runningOf(agent.name);
      if (tool === EGRESS)
        return running
          ? askForHost(agent, text, running, signal)
          : { ok: false, refusal: approvalRefusals.noTurn() };
      const rule = toolRule(agent);
      const subject = subjectOf(agent.name, tool, argumentsOf(tool, text));
      const setting = toolSetting(agent.permissions, tool);
      // What is allowed needs nobody; a loop that asks all the same is told so.
      if (setting === 'allow')
        return { ok: true, value: { id: '', by: `rule ${rule}`, hash: hashOf(subject) } };
      if (setting !== 'ask') return { ok: false, refusal: approvalRefusals.notAskable(tool, rule) };
      if (!running) return { ok: false, refusal: approvalRefusals.noTurn() };
      const asked = await approvals.ask({
        ...{
          kind: 'tool',
          key: `${agent.name}/${running.id}/${key}`,
          asker: agent.name,
          what: tool,
          subject,
        },
        ...{ traceId: running.traceId, messageId: running.id, expiresAt: now() + timeoutMs() },
      });
      if (!asked.ok) return asked;
      return answerOf(await approvals.settled(asked.value.id, signal));
    },
    async refusalOf(agent, tool, request) {
      const setting = toolSetting(agent.permissions, tool);
      // A tool that is denied is not offered; its route is decided by the permission of what it reaches.
      if (setting !== 'ask') return null;
      const key = 'idempotencyKey' in request ? `${request.idempotencyKey}` : randomUUID();
      const given = Object.entries(request).filter(([name]) => name !== 'idempotencyKey');
      const subject = subjectOf(agent.name, tool, Object.fromEntries(given));
      const useKey = `${parts.runningOf(agent.name)?.id}/${tool}/${key}`;
      const approved = await approvals.use({ asker: agent.name, subject, useKey });
      return approved ? null : approvalRefusals.required(tool);
    },
  };
}

/** What the mesh holds to an approval, as its routes read it. */
const OF_MESH: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['hand_off', HandoffRequest.omit({ idempotencyKey: true })],
  ['publish_event', Publish.omit({ idempotencyKey: true })],
  ['spawn_agent', SpawnAgent.omit({ idempotencyKey: true })],
  ['write_shared_state', BlackboardSet],
]);

const subjectOf = (agent: string, tool: string, given: unknown) => ({ agent, tool, arguments: given });

/** As an object, so that a person can read it and the order of fields does not matter; else the very text. */
function argumentsOf(tool: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (!isPlain(value, 0)) return text;
    // With what its route fills in, since that is what will run.
    const filled = OF_MESH.get(tool)?.safeParse(value);
    return filled?.success ? filled.data : value;
  } catch {
    return text;
  }
}

/** What canonical JSON gives back as it was: a key `__proto__` or a depth that no tool takes is shown as text. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > 64 || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((inner) => isPlain(inner, depth + 1));
}

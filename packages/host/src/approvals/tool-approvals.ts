import { randomUUID } from 'node:crypto';
import type { ApprovalGiven, AskApproval } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { AgentSettings } from '../config/fleet-config.ts';
import { toolRule, toolSetting } from '../fleet/agent-tools.ts';
import type { Message } from '../lanes/message.ts';
import type { MeshParts, MeshRoute, RouteTool } from '../mesh/mesh-routes.ts';
import type { Routed } from '../router/router.ts';
import { canonicalJson, hashOf } from '../workflow/definition-hash.ts';
import { answerOf } from './approval-given.ts';
import type { Approvals } from './approvals.ts';
import { createEgressApprovals, EGRESS } from './egress-approvals.ts';
import { approvalRefusals } from './refusals.ts';

/** Calls of tools that are set to `ask`. */
export interface ToolApprovals {
  /** Asks a person, and waits for the answer, for as long as the turn and `signal` go on. */
  ask(agent: AgentSettings, asked: AskApproval, signal: AbortSignal): Promise<Routed<ApprovalGiven>>;
  /**
   * For the mesh, which is held to it whatever runs in the container: null where no tool of the route is set to `ask`,
   * or where in this turn a person approved arguments that are this request; that approval is then spent. A request of
   * the same idempotency key in the same turn is a repetition, not another use.
   */
  refusalOf: MeshParts['approval'];
}

export function createToolApprovals(parts: {
  approvals: Approvals;
  runningOf: (agent: string) => Message | null;
  now: () => number;
  timeoutMs: () => number;
  /** Of the mesh: what its tools' arguments must be. */
  routes: () => readonly Pick<MeshRoute, 'tool' | 'schema'>[];
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
      const subject = subjectOf(agent.name, tool, argumentsOf(schemasOf(parts.routes(), tool), text));
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
    async refusalOf(agent, { names, covers = isBody, wholeTurn }, asked) {
      const settings = names.map((name) => toolSetting(agent.permissions, name));
      // A tool that is denied is not offered; its route is decided by the permission of what it reaches.
      if (settings.includes('allow') || !settings.includes('ask')) return null;
      const held = names.filter((_, index) => settings[index] === 'ask');
      const running = parts.runningOf(agent.name);
      const key = wholeTurn ? 'turn' : (keyOf(asked.body) ?? randomUUID());
      const approved =
        running !== null &&
        (await approvals.use({
          asker: agent.name,
          messageId: running.id,
          useKey: `${running.id}/${held[0]}/${key}`,
          covers({ kind, what, subject }) {
            const given = Subject.safeParse(JSON.parse(subject));
            const isIts = kind === 'tool' && held.includes(what);
            return isIts && given.success && covers(given.data.arguments, asked);
          },
        }));
      return approved ? null : approvalRefusals.required(held.join(' or '));
    },
  };
}

const Subject = z.object({ arguments: z.record(z.string(), z.unknown()) });
const Keyed = z.object({ idempotencyKey: z.string() });

const keyOf = (body: unknown) => Keyed.safeParse(body).data?.idempotencyKey;

const isBody: NonNullable<RouteTool['covers']> = (given, { body }) =>
  canonicalJson(given) === canonicalJson({ ...z.looseObject({}).parse(body), idempotencyKey: undefined });

const subjectOf = (agent: string, tool: string, given: unknown) => ({ agent, tool, arguments: given });

/** What the mesh holds the arguments of a tool to. */
function schemasOf(routes: readonly Pick<MeshRoute, 'tool' | 'schema'>[], tool: string): z.ZodType[] {
  return routes.flatMap((route) => {
    const schema = route.tool?.arguments ?? route.schema;
    return schema && route.tool?.names.includes(tool) ? [schema] : [];
  });
}

/** As an object, so that a person can read it and the order of fields does not matter; else the very text. */
function argumentsOf(schemas: readonly z.ZodType[], text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (!isPlain(value, 0)) return text;
    // With what its route fills in, since that is what will run.
    for (const schema of schemas) {
      const filled = schema.safeParse(value);
      if (filled.success) return filled.data;
    }
    return value;
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

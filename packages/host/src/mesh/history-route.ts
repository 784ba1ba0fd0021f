import { HistoryPage } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AuditLog } from '../audit/audit-log.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { decidePermission } from '../router/decide-permission.ts';
import { isWalledOff, outOfReach } from '../tasks/choose-assignee.ts';
import { taskRefusals } from '../tasks/refusals.ts';
import type { MeshRoute } from './mesh-routes.ts';

const PATH = /^\/mesh\/history\/([a-z][a-z0-9-]{0,62})$/;
const ENTRIES = 50;
const BODY_BYTES = 8 * 1024 * 1024;

/**
 * The last of another agent's conversation, for one that may message it and is granted the interface. Recorded,
 * because a person's words are in it. An agent that does not exist is refused like one that may not be messaged.
 */
export function historyRoute(parts: {
  config: Pick<FleetConfig, 'agents'>;
  fleet: () => Fleet;
  audit: AuditLog;
}): MeshRoute {
  const { config, audit } = parts;
  return {
    method: 'GET',
    path: '/mesh/history/{rest}',
    zone: 1,
    permission: 'allowed_apis: agent_history',
    tool: {
      names: ['read_agent_history'],
      covers: ({ agent }, { path }) => agent !== undefined && agent === PATH.exec(path)?.[1],
    },
    async run(agent, { path }) {
      const name = PATH.exec(path)?.[1] ?? '';
      const decision = decidePermission(agent, 'can_message', name);
      const other = config.agents.get(name);
      const refusal = !decision.allowed
        ? decision.refusal
        : !other || isWalledOff(agent, other)
          ? outOfReach(agent, name)
          : null;
      await audit.record({
        ...{ type: 'history.read', actor: agent.name, subject: name.slice(0, 63) },
        ...{ decision: refusal ? 'denied' : 'allowed', rule: refusal?.rule ?? 'can_message' },
      });
      if (refusal) throw new OpenLegionError(refusal);
      const lifecycle = parts.fleet().get(name);
      if (!lifecycle) throw new OpenLegionError(taskRefusals.noSuchAgent(name));
      const request = { method: 'GET', path: `/history?limit=${ENTRIES}`, maxBodyBytes: BODY_BYTES } as const;
      const answer = await lifecycle.request(request);
      if (answer.status !== 200) {
        answer.body.destroy();
        throw new OpenLegionError(UNREADABLE);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      // Of an agent that is as little trusted as the one that asks.
      const page = HistoryPage.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      if (!page.success) throw new OpenLegionError(UNREADABLE);
      return page.data;
    },
  };
}

const UNREADABLE = {
  code: 'upstream_failed',
  rule: 'mesh.history',
  message: 'The other agent did not give its history.',
  remedy: 'Ask it with hand_off what it did.',
} as const;

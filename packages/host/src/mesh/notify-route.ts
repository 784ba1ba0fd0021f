import { Notify } from '@openlegion/contract/mesh-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { EventLog } from '../delivery/event-log.ts';
import { rememberOfAgent } from '../fleet/remember-of-agent.ts';
import type { Lanes } from '../lanes/lanes.ts';
import { jsonRoute, type MeshRoute } from './mesh-routes.ts';

const BODY_BYTES = 64 * 1024;
const HOUR_MS = 3_600_000;
/** More would not be read by anyone. */
const AN_HOUR = 20;

/** Words for the person who looks after the fleet, as an event of the agent's turn. */
export function notifyRoute(parts: {
  config: Pick<FleetConfig, 'agents'>;
  events: EventLog;
  lanes: Pick<Lanes, 'running'>;
  clock: Clock;
}): MeshRoute {
  const { config, events, lanes, clock } = parts;
  const sent = new Map<string, number[]>();
  return jsonRoute({
    method: 'POST',
    path: '/mesh/notify',
    zone: 1,
    permission: 'self',
    tool: { names: ['notify_user'] },
    schema: Notify,
    maxBytes: BODY_BYTES,
    async run({ name: agent }, _, { text, urgent }) {
      const since = clock.now() - HOUR_MS;
      const recent = (sent.get(agent) ?? []).filter((at) => at > since);
      if (recent.length >= AN_HOUR) throw new OpenLegionError(TOO_MANY);
      rememberOfAgent(sent, config, agent, [...recent, clock.now()]);
      const running = lanes.running(agent);
      const about = { agent, messageId: running?.id ?? '', traceId: running?.traceId ?? '' };
      await events.record({ ...about, event: { type: 'notification', text, urgent } });
      return {};
    },
  });
}

const TOO_MANY = {
  code: 'rate_limited',
  rule: 'mesh.notify',
  message: `More than ${AN_HOUR} notifications an hour.`,
  remedy: 'Say several things in one, or say it in the answer.',
} as const;

import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type Clock, isoTime } from '../clock.ts';
import type { ControlRoute } from '../control/control-routes.ts';
import { route } from '../control/route.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Database } from '../store/database.ts';
import type { TraceReader } from '../traces/trace-reader.ts';
import { runsOfTrace } from '../workflow/run-store.ts';
import { recordTrace } from './record-trace.ts';

export function recordingRoutes(parts: {
  traces: TraceReader;
  fleet: () => Fleet;
  clock: Clock;
  database: Database;
}): ControlRoute[] {
  const { traces, fleet, clock, database } = parts;
  return [
    route('GET', '/api/traces/{id}/recording', 'operator', async ({ parameter }) => {
      const traceId = parameter('id');
      const { messages, events, egress } = await traces.parts(traceId);
      if (messages.some(({ status }) => status === 'queued' || status === 'running')) throw stillRuns();
      return Response.json(
        await recordTrace({
          ...{ traceId, recordedAt: isoTime(clock), messages, events, egress },
          runs: runsOfTrace(database, traceId),
          ask(name, path) {
            const agent = fleet().get(name);
            return agent
              ? agent.request({ method: 'GET', path, maxBodyBytes: 32 * 1024 * 1024 })
              : Promise.reject(new Error('gone'));
          },
        }),
      );
    }),
  ];
}

function stillRuns(): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'replay.running',
    message: 'The trace still runs.',
    remedy: 'Record it when it has settled: ./openlegion trace list shows that.',
  });
}

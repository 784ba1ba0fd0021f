import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ControlRequest, ControlRoute } from '../control/control-routes.ts';
import type { TraceReader } from './trace-reader.ts';

const MOST_LISTED = 200;

export function traceRoutes(traces: TraceReader): ControlRoute[] {
  const route = (path: string, run: (request: ControlRequest) => unknown): ControlRoute => ({
    method: 'GET',
    path,
    zone: 2.5,
    permission: 'viewer',
    run: async (request) => Response.json(await run(request)),
  });
  return [
    route('/api/traces', ({ query }) =>
      traces.list({
        before: wholeNumber('before', query('before')),
        limit: Math.min(wholeNumber('limit', query('limit')) ?? 20, MOST_LISTED),
        agent: query('agent') ?? null,
      }),
    ),
    route('/api/traces/{id}', ({ parameter }) => traces.show(parameter('id'))),
  ];
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'control.query',
    message: `The query's "${name}" is not a positive whole number.`,
    remedy: 'Correct it, or leave it out.',
  });
}

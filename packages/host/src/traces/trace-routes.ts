import { z } from 'zod';
import type { ControlRoute } from '../control/control-routes.ts';
import { get, NoQuery } from '../control/route.ts';
import type { TraceReader } from './trace-reader.ts';

const MOST_LISTED = 200;

const Count = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'Give a positive whole number, or leave it out.')
  .transform(Number);
const ListQuery = z.strictObject({
  ...{
    before: Count.nullable().default(null),
    limit: Count.default(20),
    agent: z.string().nullable().default(null),
  },
});

export function traceRoutes(traces: TraceReader): ControlRoute[] {
  return [
    get('/api/traces', ListQuery, ({ limit, ...query }) =>
      traces.list({ ...query, limit: Math.min(limit, MOST_LISTED) }),
    ),
    get('/api/traces/{id}', NoQuery, (_, { parameter }) => traces.show(parameter('id'))),
  ];
}

import type { Role } from '@openlegion/contract/control-caller';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import type { Routed } from '../router/router.ts';
import type { ControlRequest, ControlRoute } from './control-routes.ts';

/** Of a route that takes no query. */
export const NoQuery = z.strictObject({});

/** A route for people, and the least role that may use it. */
export function route(
  method: ControlRoute['method'],
  path: string,
  permission: Role,
  run: ControlRoute['run'],
): ControlRoute {
  return { method, path, zone: 2.5, permission, run };
}

/** What any viewer may read, as JSON: the answer to a query that is held to `schema`. */
export function get<S extends z.ZodObject>(
  path: string,
  schema: S,
  answer: (query: z.output<S>, request: ControlRequest) => unknown,
): ControlRoute {
  return route('GET', path, 'viewer', async (request) =>
    Response.json(await answer(queryOf(request, schema), request)),
  );
}

/** What is done on a body that is held to `schema`, and answered as JSON. */
export function post<S extends z.ZodType>(
  path: string,
  permission: Role,
  schema: S,
  answer: (body: z.output<S>, request: ControlRequest) => unknown,
  status = 200,
): ControlRoute {
  return route('POST', path, permission, async (request) => {
    const body = parseJsonBody(await request.body(), schema);
    return Response.json(await answer(body, request), { status });
  });
}

/** Of the query those parts that the schema knows, held to it. Throws `bad_request`. */
export function queryOf<S extends z.ZodObject>(request: ControlRequest, schema: S): z.output<S> {
  const given = Object.keys(schema.shape).flatMap((name) => {
    const value = request.query(name);
    return value === undefined ? [] : [[name, value]];
  });
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'control.query',
    message: `The query's "${String(issue?.path[0] ?? '')}" is not as it should be.`,
    remedy: issue?.message ?? 'Correct it.',
  });
}

/** What was granted; a refusal is thrown, to be answered. */
export function granted<T>(answer: Routed<T>): T {
  if (!answer.ok) throw new OpenLegionError(answer.refusal);
  return answer.value;
}

import { Route, type RouteRequest } from '@openlegion/contract/mesh-api';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';

/** Asks the host which model to call: the wanted one, or the healthy one that stands in. Throws its refusal. */
export async function requestRoute(
  mesh: MeshClient,
  request: RouteRequest,
  signal: AbortSignal,
): Promise<Route> {
  const answer = await mesh.call({
    method: 'POST',
    path: '/mesh/route',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  });
  return Route.parse(await readMeshJson(answer));
}

import { CreateToken } from '@openlegion/contract/control-tokens';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import type { ControlRoute } from './control-routes.ts';
import type { PersonTokens } from './person-tokens.ts';
import { route } from './route.ts';

export function tokenRoutes(tokens: PersonTokens): ControlRoute[] {
  return [
    route('GET', '/api/whoami', 'viewer', async ({ caller: { name, role } }) =>
      Response.json({ name, role }),
    ),
    route('GET', '/api/tokens', 'admin', async () => Response.json({ tokens: tokens.list() })),
    route('POST', '/api/tokens', 'admin', async ({ caller, body }) =>
      Response.json(await tokens.create(caller.name, parseJsonBody(await body(), CreateToken))),
    ),
    route('POST', '/api/tokens/{name}/revoke', 'admin', async ({ caller, parameter }) => {
      await tokens.revoke(caller.name, parameter('name'));
      return Response.json({});
    }),
  ];
}

import { CreateToken } from '@openlegion/contract/control-tokens';
import type { ControlRoute } from './control-routes.ts';
import type { PersonTokens } from './person-tokens.ts';
import { get, NoQuery, post, route } from './route.ts';

export function tokenRoutes(tokens: PersonTokens): ControlRoute[] {
  return [
    get('/api/whoami', NoQuery, (_, { caller: { name, role } }) => ({ name, role })),
    route('GET', '/api/tokens', 'admin', async () => Response.json({ tokens: tokens.list() })),
    post('/api/tokens', 'admin', CreateToken, (token, { caller }) => tokens.create(caller.name, token)),
    route('POST', '/api/tokens/{name}/revoke', 'admin', async ({ caller, parameter }) => {
      await tokens.revoke(caller.name, parameter('name'));
      return Response.json({});
    }),
  ];
}

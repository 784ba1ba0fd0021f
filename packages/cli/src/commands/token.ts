import type { Role } from '@openlegion/contract/control-caller';
import { CreatedToken, TokenList, TokenName } from '@openlegion/contract/control-tokens';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';
import { formatTable } from '../terminal/table.ts';
import { parseExpiry } from '../tokens/parse-expiry.ts';

export async function tokenCreate(
  { home, terminal }: CommandContext,
  options: { name: string; role: Role; expires?: string; json?: boolean },
): Promise<number> {
  const { name, role, expires, json } = options;
  if (!TokenName.safeParse(name).success) throw badName(name);
  const expiresAt = expires === undefined ? null : parseExpiry(expires, Date.now());
  const created = await createControlClient(home).json(CreatedToken, {
    method: 'POST',
    path: '/api/tokens',
    json: { name, role, expiresAt },
  });
  if (json) {
    terminal.line(JSON.stringify({ ...created, expiresAt }, null, 2));
    return 0;
  }
  terminal.line(created.token);
  terminal.errorLine(
    `This is ${name}'s token (${role}${expiresAt === null ? '' : `, until ${expiresAt.slice(0, 16)}Z`}). It is not kept, and not shown again.`,
  );
  terminal.errorLine(
    'With it: OPENLEGION_TOKEN=… ./openlegion status, or "Authorization: Bearer …" on the control API.',
  );
  return 0;
}

export async function tokenList(
  { home, terminal }: CommandContext,
  { json }: { json: boolean },
): Promise<number> {
  const found = await createControlClient(home).json(TokenList, { method: 'GET', path: '/api/tokens' });
  if (json) terminal.line(JSON.stringify(found, null, 2));
  else if (found.tokens.length === 0)
    terminal.line('There are none; data/control.token alone opens the control API.');
  else
    terminal.line(
      formatTable([
        ['NAME', 'ROLE', 'EXPIRES', 'CREATED', 'BY'],
        ...found.tokens.map(({ name, role, expiresAt, expired, createdAt, createdBy }) => [
          name,
          role,
          expiresAt === null ? 'never' : expired ? 'has expired' : `${expiresAt.slice(0, 16)}Z`,
          `${createdAt.slice(0, 16)}Z`,
          createdBy,
        ]),
      ]),
    );
  return 0;
}

export async function tokenRevoke({ home, terminal }: CommandContext, name: string): Promise<number> {
  await createControlClient(home).json(z.unknown(), {
    method: 'POST',
    path: `/api/tokens/${encodeURIComponent(name)}/revoke`,
    json: {},
  });
  terminal.line(`${name}'s token is revoked; what it had open is closed.`);
  return 0;
}

function badName(name: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'tokens.name',
    message: `${JSON.stringify(name.slice(0, 63))} is not a usable name for a token.`,
    remedy: 'Begin with a lower-case letter; letters, digits, dots, - and _ may follow, 63 in all.',
  });
}

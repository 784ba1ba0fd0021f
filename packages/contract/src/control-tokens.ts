import { z } from 'zod';
import { Role } from './control-caller.ts';

/**
 * Tokens for people, with which they use the control API under their own name:
 *
 * | method and path                 | body        | answer       | least role |
 * |---------------------------------|-------------|--------------|------------|
 * | GET  /api/tokens                |             | TokenList    | admin      |
 * | POST /api/tokens                | CreateToken | CreatedToken | admin      |
 * | POST /api/tokens/{name}/revoke  |             | {}           | admin      |
 * | GET  /api/whoami                |             | WhoAmI       | viewer     |
 */
export const TokenName = z
  .string()
  .regex(/^[a-z][a-z0-9._-]{0,62}$/, 'lower case letters, digits, dots, - and _; at most 63');

export const CreateToken = z.strictObject({
  name: TokenName,
  role: Role,
  /** Null: until it is revoked. */
  expiresAt: z.iso.datetime().nullable().default(null),
});
export type CreateToken = z.infer<typeof CreateToken>;

/** The only time that the token itself is told. */
export const CreatedToken = z.object({ name: z.string(), role: Role, token: z.string() });
export type CreatedToken = z.infer<typeof CreatedToken>;

export const TokenList = z.object({
  tokens: z.array(
    z.object({
      name: z.string(),
      role: Role,
      createdBy: z.string(),
      createdAt: z.string(),
      expiresAt: z.string().nullable(),
      expired: z.boolean(),
    }),
  ),
});
export type TokenList = z.infer<typeof TokenList>;

export const WhoAmI = z.object({ name: z.string(), role: Role });
export type WhoAmI = z.infer<typeof WhoAmI>;

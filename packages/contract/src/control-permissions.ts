import { z } from 'zod';

/**
 * What may be, and who holds to it, on the control API:
 *
 * | method and path                                | answer          | least role |
 * |------------------------------------------------|-----------------|------------|
 * | GET /api/permissions?agent=                    | PermissionsView | viewer     |
 * | GET /api/permissions/check?agent=&permission=&key= | PermissionCheck | viewer |
 * | GET /api/permissions/diff                      | PermissionsDiff | viewer     |
 *
 * Grants are changed in `config/permissions.json` and take effect by `POST /api/config/reload`.
 */

/**
 * Who refuses what is not granted when the agent's container is hostile. `host`, `keeper` and `gateway` are outside of
 * it. `agent`: only the agent's own loop; it keeps a misled model in bounds, not a program that replaces the loop.
 */
export const Enforcer = z.enum(['host', 'keeper', 'gateway', 'agent']);
export type Enforcer = z.infer<typeof Enforcer>;

const Enforcement = { enforcedBy: Enforcer, how: z.string() };

/** Of every field of permissions.json and every tool; `askHeldBy` as below. */
export const EnforcementStatement = z.object({
  grants: z.array(z.object({ grant: z.string(), ...Enforcement })),
  tools: z.array(z.object({ tool: z.string(), ...Enforcement, askHeldBy: Enforcer })),
});
export type EnforcementStatement = z.infer<typeof EnforcementStatement>;

export const PermissionsView = z.object({
  agents: z.array(
    z.object({
      name: z.string(),
      /** Whose record of permissions.json applies: its own name, or `default`. */
      record: z.string(),
      team: z.string().nullable(),
      grants: z.array(z.object({ permission: z.string(), granted: z.array(z.string()), ...Enforcement })),
      /** Those of OpenLegion's own tools; custom tools and those of MCP servers are decided by the same patterns. */
      tools: z.array(
        z.object({
          tool: z.string(),
          decision: z.enum(['allow', 'ask', 'deny']),
          /** Whether it is offered to the model: another grant, or somebody to ask, may be missing. */
          offered: z.boolean(),
          ...Enforcement,
          /** Who refuses a call that nobody approved, where the tool is set to `ask`. */
          askHeldBy: Enforcer,
        }),
      ),
    }),
  ),
});
export type PermissionsView = z.infer<typeof PermissionsView>;

export const PermissionCheck = z.object({
  agent: z.string(),
  permission: z.string(),
  key: z.string(),
  decision: z.enum(['allowed', 'ask', 'denied']),
  /** `permissions.researcher.blackboard_write`, `teams.sales`, `router.key`. */
  rule: z.string(),
  /** The entry that decided; null where none covers the key. */
  entry: z.string().nullable(),
  why: z.string(),
  remedy: z.string().nullable(),
  ...Enforcement,
});
export type PermissionCheck = z.infer<typeof PermissionCheck>;

/** `entry` of a switch such as `can_spawn` is `true`; of `allowed_tools` it is `exec: ask`. */
export const PermissionChange = z.object({
  agent: z.string(),
  permission: z.string(),
  change: z.enum(['granted', 'revoked']),
  entry: z.string(),
});
export type PermissionChange = z.infer<typeof PermissionChange>;

/** What the files would change against what is in force. */
export const PermissionsDiff = z.object({
  changes: z.array(PermissionChange),
  /** Sentences: what an agent that comes or goes, and a change of teams, means. */
  meaning: z.array(z.string()),
  /** Settings besides permissions and teams that would change, as paths. */
  others: z.array(z.string()),
});
export type PermissionsDiff = z.infer<typeof PermissionsDiff>;

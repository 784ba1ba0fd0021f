import { z } from 'zod';

const Patterns = z.array(z.string().min(1).max(200)).max(500).default([]);

/** What one agent may do. Everything absent is denied; an empty list grants nothing. */
export const AgentPermissions = z.strictObject({
  can_message: Patterns,
  can_publish: Patterns,
  can_subscribe: Patterns,
  blackboard_read: Patterns,
  blackboard_write: Patterns,
  allowed_apis: Patterns,
  allowed_credentials: Patterns,
  allowed_domains: Patterns,
  allowed_tools: z
    .record(z.string().min(1).max(100), z.enum(['allow', 'ask', 'deny']))
    .refine((tools) => JSON.stringify(tools).length <= 4000, 'at most 4,000 characters: use patterns')
    .default({}),
  can_spawn: z.boolean().default(false),
  can_use_browser: z.boolean().default(false),
  browser_actions: Patterns,
});
export type AgentPermissions = z.infer<typeof AgentPermissions>;

/** `config/permissions.json`; the record named `default` applies to agents without one of their own. */
export const PermissionsConfig = z.strictObject({ permissions: z.record(z.string(), AgentPermissions) });
export type PermissionsConfig = z.infer<typeof PermissionsConfig>;

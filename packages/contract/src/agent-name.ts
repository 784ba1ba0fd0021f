import { z } from 'zod';

/** Names that routing uses for itself; an agent that bore one could speak for it. */
export const RESERVED_AGENT_NAMES: readonly string[] = ['mesh', 'operator', 'vault', 'default', 'user'];

/** `^[a-z][a-z0-9-]{0,62}$`, not reserved. Safe as a container, volume and file name, and in a header. */
export const AgentName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'a lower-case letter, then letters, digits and hyphens, 63 at most')
  .refine((name) => !RESERVED_AGENT_NAMES.includes(name), 'this name is reserved');
export type AgentName = z.infer<typeof AgentName>;

import { z } from 'zod';

/** Of a policy that the fake keeper was told, what tests look at. */
export const Policy = z.object({
  agents: z.array(z.object({ name: z.string(), apis: z.array(z.string()), domains: z.array(z.string()) })),
});

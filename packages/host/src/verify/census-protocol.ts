import { z } from 'zod';

/** What is searched. A process is searched in its memory, environment and arguments. */
export const CensusRequest = z.strictObject({
  prefix: z.string().regex(/^[A-Za-z0-9]{12,40}$/),
  /** Files, and directories with all that is in them; `-wal` and `-shm` beside a database are searched too. */
  paths: z.array(z.string()),
  processes: z.array(z.strictObject({ name: z.string(), pid: z.int().positive() })),
});
export type CensusRequest = z.infer<typeof CensusRequest>;

export const CensusFindings = z.object({
  /** At most 200; `form` as in the contract's secret-forms.ts. */
  hits: z.array(z.object({ place: z.string(), form: z.string() })),
  paths: z.array(z.object({ path: z.string(), files: z.int(), bytes: z.int() })),
  processes: z.array(z.object({ name: z.string(), pid: z.int(), bytes: z.int(), hits: z.int() })),
  /** What could not be read, and why. */
  unreadable: z.array(z.object({ place: z.string(), why: z.string() })),
});
export type CensusFindings = z.infer<typeof CensusFindings>;

import { z } from 'zod';

/** What the command line gives the supervisor, as `--config-json`. Holds no secret. */
export const SupervisorSettings = z.strictObject({
  home: z.string(),
  sandbox: z.boolean(),
  /** Overrides mesh.yaml's port; 0 takes a free one. */
  port: z.int().min(0).max(65_535).nullable(),
  /** Ends with its starter: fd 0 is its lifeline too. In the background it has none. */
  lifeline: z.boolean(),
});
export type SupervisorSettings = z.infer<typeof SupervisorSettings>;

/** One line of JSON each on the supervisor's fd 3, until `ready` or `failed`. */
export const SupervisorReport = z.discriminatedUnion('type', [
  z.object({ type: z.literal('starting'), part: z.string() }),
  /** For the person who started it: what became of `.env`, a key that is not the one of before. */
  z.object({ type: z.literal('note'), text: z.string() }),
  z.object({ type: z.literal('ready'), pid: z.int(), port: z.int(), run: z.string() }),
  z.object({ type: z.literal('failed'), message: z.string(), remedy: z.string() }),
]);
export type SupervisorReport = z.infer<typeof SupervisorReport>;

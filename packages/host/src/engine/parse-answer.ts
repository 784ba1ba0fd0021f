import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { z } from 'zod';

/** Holds an answer of the engine to its schema. Throws `upstream_failed` naming the operation and the field. */
export function parseAnswer<S extends z.ZodType>(schema: S, operation: string, answer: unknown): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new OpenLegionError(
    {
      code: 'upstream_failed',
      rule: `engine.${operation}`,
      message: `The container engine answered "${operation}" in an unknown form (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}).`,
      remedy: 'Use an engine that speaks Docker’s API 1.40 or later (Docker 19.03, Podman 4).',
    },
    { cause: parsed.error },
  );
}

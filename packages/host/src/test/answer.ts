import { type Refusal, RefusalBody } from '@openlegion/contract/refusal';
import type { z } from 'zod';

/** What was answered, held to a schema by whoever reads it. */
export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  as<S extends z.ZodType>(schema: S): z.output<S>;
  refusal(): Refusal;
}

export function answerOf(status: number, headers: Record<string, unknown>, text: string): Answer {
  return {
    status,
    headers,
    text,
    as: (schema) => schema.parse(JSON.parse(text)),
    refusal() {
      const { code, rule, message, remedy } = RefusalBody.parse(JSON.parse(text)).error;
      return { code, rule, message, remedy };
    },
  };
}

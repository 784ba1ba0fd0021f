import { z } from 'zod';
import type { WireRequest } from '../wire-request.ts';
import type { ParsedRequest } from './wire-dialect.ts';

/** Holds a body to a dialect's schema and reads it; what does not fit is said as a provider would say it. */
export function parseBody<Body>(
  schema: z.ZodType<Body>,
  body: unknown,
  read: (body: Body) => WireRequest,
): ParsedRequest {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, request: read(parsed.data) };
  const issue = parsed.error.issues[0];
  return {
    ok: false,
    message: `Invalid request: ${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'unreadable'}`,
  };
}

/** A text, or parts of which some are text; others (images, files) count as nothing. */
export const TextOrParts = z
  .union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))])
  .nullish()
  .transform((content) =>
    typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join(''),
  );

import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { z } from 'zod';

/** What a client asked that cannot be carried to the provider of its model. */
export function badRequest(field: string, message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code: 'bad_request', rule: `endpoint.${field}`, message, remedy });
}

/** Fields that the schema does not name are left out: they steer nothing that a translation could keep. */
export function parseWire<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'body';
  throw badRequest(
    'field',
    `${field}: ${issue?.message ?? 'not as documented'}`.slice(0, 500),
    'The model’s provider speaks another dialect, and this field has no translation into it.',
  );
}

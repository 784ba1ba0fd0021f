import { Dialect } from '@openlegion/contract/catalog';
import { z } from 'zod';
import { ProviderData } from '../history/entry.ts';

/**
 * What a provider wants back with its own output (signatures of reasoning and of calls), in a field of another wire
 * that its clients send back unread. It names the dialect it came from, because no other takes it.
 */
const PREFIX = 'olr1.';

const Envelope = z.strictObject({
  dialect: Dialect,
  /** Of the block that carries it, or of the call named here. */
  data: ProviderData.optional(),
  callId: z.string().optional(),
  /** Reasoning before the call, where the wire has no place of its own for it. */
  reasoning: z.array(z.strictObject({ text: z.string(), data: ProviderData.optional() })).optional(),
});
export type Envelope = z.infer<typeof Envelope>;

export function sealEnvelope(envelope: Envelope): string {
  return PREFIX + Buffer.from(JSON.stringify(envelope)).toString('base64url');
}

/** Undefined for what is not ours, or is of another dialect than `dialect`. */
export function openEnvelope(text: string | null | undefined, dialect: Dialect): Envelope | undefined {
  if (!text?.startsWith(PREFIX)) return undefined;
  try {
    const parsed = Envelope.safeParse(
      JSON.parse(Buffer.from(text.slice(PREFIX.length), 'base64url').toString('utf8')),
    );
    return parsed.success && parsed.data.dialect === dialect ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Reasoning of other dialects out of a body that goes to its own provider, which would refuse our envelopes. */
export function withoutEnvelopes(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isEnvelope(item)).map(withoutEnvelopes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => name !== 'extra_content' || !JSON.stringify(inner).includes(PREFIX))
      .map(([name, inner]) => [name, withoutEnvelopes(inner)]),
  );
}

export function hasEnvelope(body: string): boolean {
  return body.includes(PREFIX);
}

const Carrier = z.object({
  type: z.enum(['thinking', 'redacted_thinking', 'reasoning']),
  signature: z.string().nullish(),
  data: z.string().nullish(),
  encrypted_content: z.string().nullish(),
});

function isEnvelope(value: unknown): boolean {
  const parsed = Carrier.safeParse(value);
  if (!parsed.success) return false;
  const { signature, data, encrypted_content } = parsed.data;
  return [signature, data, encrypted_content].some((text) => text?.startsWith(PREFIX));
}

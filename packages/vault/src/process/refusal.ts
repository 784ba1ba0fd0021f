import { isRefusalCode } from './refusal-status.ts';
import texts from './refusals.json' with { type: 'json' };
import { refuse } from './refuse.ts';
import type { VaultError } from './vault-error.ts';

export type RefusalName = keyof typeof texts;

export function isRefusalName(name: string): name is RefusalName {
  return Object.hasOwn(texts, name);
}

/**
 * A refusal of `refusals.json`, to be thrown. Its rule is its name up to the colon, or `values.rule`; `{word}` in its
 * texts is the value of that name. Values that a caller sent must be quoted before.
 */
export function refusal(
  name: RefusalName,
  values: Readonly<Record<string, string | number>> = {},
  cause?: unknown,
): VaultError {
  const { code, message, remedy } = texts[name];
  const fill = (text: string): string =>
    text.replace(/\{([a-z]+)\}/g, (word, key: string) => String(values[key] ?? word));
  const [rule = name] = name.split(':');
  if (!isRefusalCode(code)) throw new Error(`no code of a refusal: ${code}`);
  return refuse(code, String(values.rule ?? rule), fill(message), fill(remedy), { cause });
}

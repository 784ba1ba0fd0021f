import type { RefusalCode } from '@openlegion/contract/refusal';
import { VaultError } from './vault-error.ts';

/** A refusal on its way to the one place that answers it. */
export function refuse(
  code: RefusalCode,
  rule: string,
  message: string,
  remedy: string,
  options?: { cause?: unknown },
): VaultError {
  return new VaultError(
    { code, rule: rule.slice(0, 200), message: message.slice(0, 2000), remedy: remedy.slice(0, 2000) },
    options,
  );
}

/** What a caller sent, made fit to be quoted in a message: printable ASCII, at most 80 characters. */
export function quote(text: string): string {
  const shown = text.replace(/[^\x20-\x7e]/g, '?');
  return `"${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}"`;
}

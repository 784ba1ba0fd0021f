import type { Refusal, RefusalCode } from '@openlegion/contract/refusal';

/**
 * The vault's own `OpenLegionError` (it takes no code from outside its package): a broken assumption, or a refusal
 * on its way to the boundary that answers it. `message` and `remedy` are safe to show and never contain a
 * credential; what is not safe stays in `cause`.
 */
export class VaultError extends Error {
  readonly code: RefusalCode;
  readonly rule: string;
  readonly remedy: string;

  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    super(refusal.message, options);
    this.name = 'VaultError';
    this.code = refusal.code;
    this.rule = refusal.rule;
    this.remedy = refusal.remedy;
  }

  get refusal(): Refusal {
    return { code: this.code, rule: this.rule, message: this.message, remedy: this.remedy };
  }
}

/** A refusal, to be thrown. */
export function refuse(
  code: RefusalCode,
  rule: string,
  message: string,
  remedy: string,
  cause?: unknown,
): VaultError {
  return new VaultError({ code, rule, message, remedy }, { cause });
}

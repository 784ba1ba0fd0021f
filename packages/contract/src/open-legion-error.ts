import type { Refusal, RefusalCode } from './refusal.ts';

/**
 * A broken assumption, or a refusal on its way up to the boundary that answers it. `message` and `remedy` are
 * safe to show; what is not safe stays in `cause` and never leaves the process.
 */
export class OpenLegionError extends Error {
  readonly code: RefusalCode;
  readonly rule: string;
  readonly remedy: string;

  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    super(refusal.message, options);
    this.name = 'OpenLegionError';
    this.code = refusal.code;
    this.rule = refusal.rule;
    this.remedy = refusal.remedy;
  }

  get refusal(): Refusal {
    return { code: this.code, rule: this.rule, message: this.message, remedy: this.remedy };
  }
}

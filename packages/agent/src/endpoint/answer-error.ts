import type { Refusal, RefusalBody } from '@openlegion/contract/refusal';

const OPENAI_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'invalid_request_error',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
};

const ANTHROPIC_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** A failure as OpenAI's clients read one, with what the refusal says beside it. */
export function openAiError(status: number, { code, rule, message, remedy }: Refusal): object {
  return {
    error: { message, type: OPENAI_TYPES[status] ?? 'server_error', param: null, code, rule, remedy },
  };
}

/** A failure as Anthropic's clients read one. */
export function anthropicError(status: number, { code, rule, message, remedy }: Refusal): object {
  const type = ANTHROPIC_TYPES[status] ?? 'api_error';
  return { type: 'error', error: { type, message, code, rule, remedy }, request_id: null };
}

/** A refusal of ours is the same on every wire. */
export function refusalBody(refusal: Refusal): RefusalBody {
  return { type: 'error', error: { type: 'openlegion_refusal', ...refusal } };
}

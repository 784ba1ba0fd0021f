/** How providers call an account that has nothing left, in `error.code` or `error.type`. */
const CODES: ReadonlySet<unknown> = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'billing_error',
  'exceeded_current_quota_error',
  'insufficient_balance',
]);
/** Anthropic says it with the status and type of a malformed request. */
const SENTENCE = 'Your credit balance is too low';

/**
 * Whether an error says that the account is not paid for. Only the fields that the provider itself writes are looked
 * at, and of its message the beginning: the rest may quote the request, and so an agent.
 */
export function isUnpaid(status: number, body: string): boolean {
  if (status !== 400 && status !== 429) return false;
  try {
    const error = fieldsOf(fieldsOf(JSON.parse(body)).get('error'));
    if (status === 429) return CODES.has(error.get('code')) || CODES.has(error.get('type'));
    return String(error.get('message')).startsWith(SENTENCE);
  } catch {
    return false;
  }
}

function fieldsOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

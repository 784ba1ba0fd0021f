import type { PlacedMessage } from '../history/order-turn.ts';

const KEPT = 4;

/**
 * What may become part of the summary, and the last four messages, which stay as they are. A result stays with its
 * call. The message under way is shown whatever becomes of its place: it is in `before` only with what follows it.
 */
export function splitMessages(
  placed: readonly PlacedMessage[],
  messageId: string,
): { before: PlacedMessage[]; kept: PlacedMessage[] } {
  let start = Math.max(0, placed.length - KEPT);
  while (start > 0 && placed[start]?.message.role === 'tool') start--;
  const before = placed.slice(0, start);
  const nothing = before.every((item) => isAsked(item, messageId));
  return nothing ? { before: [], kept: [...placed] } : { before, kept: placed.slice(start) };
}

/** The message that the turn under way answers. */
export function isAsked({ messageId: of, entry, message }: PlacedMessage, messageId: string): boolean {
  return of === messageId && entry === 0 && message.role === 'user';
}

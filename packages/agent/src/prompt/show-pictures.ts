import type { PromptTurn, ShownResult } from '../history/prompt-turn.ts';
import { LOOP_LIMITS } from '../loop/limits.ts';

/**
 * The turns with their newest pictures to be shown, `most` of them and never more than `LOOP_LIMITS` says; of all
 * others their text is left. One that `bytesOf` does not have does not count.
 */
export function showPictures(
  turns: readonly PromptTurn[],
  most: number,
  bytesOf: (messageId: string, result: ShownResult) => Uint8Array | undefined,
): PromptTurn[] {
  let left = Math.min(most, LOOP_LIMITS.pictures);
  let room = LOOP_LIMITS.pictureBytes;
  const show = (messageId: string, result: ShownResult): ShownResult => {
    const { shown: _, ...hidden } = result;
    if (result.picture === undefined || left === 0) return hidden;
    const shown = bytesOf(messageId, result);
    if (shown === undefined) return hidden;
    room -= shown.length;
    left = room < 0 ? 0 : left - 1;
    return room < 0 ? hidden : { ...hidden, shown };
  };
  return newestFirst(turns, (turn) => ({
    ...turn,
    messages: newestFirst(turn.messages, (message) =>
      message.role === 'tool'
        ? { ...message, results: newestFirst(message.results, (result) => show(turn.messageId, result)) }
        : message,
    ),
  }));
}

function newestFirst<Item>(items: readonly Item[], change: (item: Item) => Item): Item[] {
  return items.toReversed().map(change).toReversed();
}

/** How many fit a model: none where it takes none; else as many as its window holds at the most they can cost. */
export function picturesFor(route: { contextTokens: number; imageTokens?: number | undefined }): number {
  const { contextTokens, imageTokens } = route;
  return imageTokens === undefined ? 0 : Math.max(1, Math.floor(contextTokens / imageTokens));
}

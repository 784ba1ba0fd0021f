/** A name without a provider behind it. */
export const MODEL = 'bench/vectors';
/** As many numbers as the vectors of OpenAI's small model have. */
const DIMENSIONS = 1536;

/** Numbers that follow from `text`, for what they cost and not for what they mean. */
export function madeVector(text: string): number[] {
  let state = 1;
  for (let at = 0; at < text.length; at += 1)
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return Array.from({ length: DIMENSIONS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

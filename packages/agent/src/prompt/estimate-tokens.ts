/** Tokens of a character, cautiously, for every provider's tokenizer: prose and code, other alphabets, ideographs. */
const PLAIN = 1 / 3;
const OTHER = 0.75;
const DENSE = 1.5;
/** Around a message or a part of one. */
export const FRAME_TOKENS = 10;
/**
 * A picture, of whatever size: about what Anthropic counts for the largest that it does not scale down
 * (1568×1568 / 750, docs, Vision), and OpenAI and Google for one that fills a screen.
 */
export const IMAGE_TOKENS = 1600;

/** How many tokens `text` is at most likely to be. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    tokens += code < 0x250 ? PLAIN : code < 0x2e80 ? OTHER : DENSE;
  }
  return Math.ceil(tokens);
}

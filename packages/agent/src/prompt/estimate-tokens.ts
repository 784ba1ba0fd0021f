/** Tokens of a character, cautiously, for every provider's tokenizer: prose and code, other alphabets, ideographs. */
const PLAIN = 1 / 3;
const OTHER = 0.75;
const DENSE = 1.5;
/** Around a message or a part of one. */
export const FRAME_TOKENS = 10;

/** How many tokens `text` is at most likely to be. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    tokens += code < 0x250 ? PLAIN : code < 0x2e80 ? OTHER : DENSE;
  }
  return Math.ceil(tokens);
}

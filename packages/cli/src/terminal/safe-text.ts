/** Control (Cc) and format (Cf) characters, surrogates; tab, newline, and the joiners that scripts and emoji need stay. */
const UNSAFE = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** Text of an agent, made safe for a terminal: nothing in it moves the cursor, reorders or hides text. */
export function safeText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(UNSAFE, '');
}

/** One line of at most `width` characters. */
export function oneLine(text: string, width: number): string {
  const line = safeText(text).replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : line;
}

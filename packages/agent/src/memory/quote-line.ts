/**
 * A text as one JSON string on one line, so that nothing in it can begin a line of its own. Other line separators than
 * JSON's are escaped too: what cleans a prompt makes line breaks of them.
 */
export function quoteLine(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

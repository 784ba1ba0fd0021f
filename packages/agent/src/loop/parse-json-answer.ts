/**
 * The JSON value that an answer of a model is, or holds: the whole of it, what its last fence holds, or from its
 * first brace or bracket to its last. Undefined where none of these is JSON.
 */
export function parseJsonAnswer(text: string): unknown {
  const fenced = [...text.matchAll(/```[a-z]*\n(.*?)```/gs)].at(-1)?.[1];
  const start = text.search(/[{[]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  const span = start >= 0 && end > start ? text.slice(start, end + 1) : undefined;
  for (const candidate of [text, fenced, span]) {
    if (candidate === undefined) continue;
    try {
      const value: unknown = JSON.parse(candidate);
      return value;
    } catch {
      // The next candidate may be one.
    }
  }
  return undefined;
}

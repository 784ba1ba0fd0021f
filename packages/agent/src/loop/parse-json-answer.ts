/** The JSON value that an answer is, whole or as one fence; undefined where it is other text. */
export function parseWholeJson(text: string): unknown {
  const trimmed = text.trim();
  return parse(/^```[a-z]*\n(.*)\n```$/s.exec(trimmed)?.[1] ?? trimmed);
}

/** The same, or else what its last fence holds, or what stands from its first brace or bracket to its last. */
export function parseJsonAnswer(text: string): unknown {
  const fenced = [...text.matchAll(/```[a-z]*\n(.*?)```/gs)].at(-1)?.[1];
  const start = text.search(/[{[]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  const span = start >= 0 && end > start ? text.slice(start, end + 1) : undefined;
  return parseWholeJson(text) ?? parse(fenced) ?? parse(span);
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

const LINE_CHARS = 240;

/** A summary without a model: the start of each line of the record, the newest that fit behind what was known. */
export function digest(before: string, record: string, maxChars: number): string {
  const kept = before.slice(0, Math.floor(maxChars / 3));
  let left = maxChars - kept.length;
  const lines: string[] = [];
  for (const line of record.split(/\n(?=#\d+ )/).toReversed()) {
    const short = line.replaceAll(/\s+/g, ' ').slice(0, LINE_CHARS);
    left -= short.length + 1;
    if (left < 0) break;
    lines.unshift(short);
  }
  return [kept, ...lines].filter((text) => text !== '').join('\n');
}

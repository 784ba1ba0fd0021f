import { StringDecoder } from 'node:string_decoder';

/** Lines of UTF-8 without their ends; one longer than `maxBytes` is given as null, and read past. */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string | null, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let tooLong = false;
  for await (const chunk of chunks) {
    const lines = decoder.write(chunk).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      yield tooLong ? null : rest + line;
      rest = '';
      tooLong = false;
    }
    if (!tooLong) rest += last;
    if (rest.length > maxBytes) {
      tooLong = true;
      rest = '';
    }
  }
  rest += decoder.end();
  if (tooLong) yield null;
  else if (rest !== '') yield rest;
}

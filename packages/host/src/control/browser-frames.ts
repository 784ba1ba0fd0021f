import { BrowserFrame } from '@openlegion/contract/browser-view';

const LINE_BYTES = 3 * 1024 * 1024;
/** From one frame to the next; an agent that sends faster waits, and so does what it sends. */
const PACE_MS = 40;

/**
 * The frames in what an agent sends, each held to the contract and written anew, so that nothing else of the agent's
 * gets through; an empty line for each that was none. Ends where a line is longer than a frame can be.
 */
export async function* browserFrames(
  source: AsyncIterable<Uint8Array>,
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<string, void, void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (let chunk of source) {
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10)) {
      const line = Buffer.concat([...pieces, chunk.subarray(0, end)]);
      chunk = chunk.subarray(end + 1);
      pieces = [];
      bytes = 0;
      yield `${asFrame(line.toString())}\n`;
      await pause(PACE_MS);
    }
    bytes += chunk.length;
    if (bytes > LINE_BYTES) return;
    if (chunk.length > 0) pieces.push(chunk);
  }
}

function asFrame(line: string): string {
  try {
    const frame = BrowserFrame.safeParse(JSON.parse(line));
    return frame.success ? JSON.stringify(frame.data) : '';
  } catch {
    return '';
  }
}

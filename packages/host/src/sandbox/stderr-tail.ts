/** Keeps the last `maxBytes` of what is written, in bounded memory: at most twice that. */
export interface StderrTail {
  /** Copies the chunk. */
  write(chunk: Buffer): void;
  /** UTF-8; what was cut in the middle of a character is replaced. */
  text(): string;
}

export function createStderrTail(maxBytes = 64 * 1024): StderrTail {
  let chunks: Buffer[] = [];
  let bytes = 0;
  const tail = () => {
    const whole = Buffer.concat(chunks);
    return whole.subarray(Math.max(0, whole.length - maxBytes));
  };
  return {
    write(chunk) {
      const kept = Buffer.from(chunk.subarray(Math.max(0, chunk.length - maxBytes)));
      chunks.push(kept);
      bytes += kept.length;
      // Many small chunks cost more than their bytes, so their number is bounded as well.
      if (bytes > 2 * maxBytes || chunks.length > 1024) {
        chunks = [Buffer.from(tail())];
        bytes = chunks[0]?.length ?? 0;
      }
    },
    text: () => tail().toString('utf8'),
  };
}

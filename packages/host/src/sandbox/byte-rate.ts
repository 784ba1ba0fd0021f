export interface ByteRate {
  bytesPerSecond: number;
  burstBytes: number;
}

/** What a container may write. HTTP/2's windows bound an honest agent far below. */
export const STDOUT_RATE: ByteRate = { bytesPerSecond: 64 * 1024 * 1024, burstBytes: 512 * 1024 * 1024 };
export const STDERR_RATE: ByteRate = { bytesPerSecond: 1024 * 1024, burstBytes: 4 * 1024 * 1024 };

/** A token bucket, full at first. Returns a function that takes bytes and says whether they were within the rate. */
export function createByteRateLimit(rate: ByteRate, nowMs: () => number): (bytes: number) => boolean {
  let tokens = rate.burstBytes;
  let at = nowMs();
  return (bytes) => {
    const now = nowMs();
    const refilled = tokens + (Math.max(0, now - at) * rate.bytesPerSecond) / 1000;
    tokens = Math.min(rate.burstBytes, refilled) - bytes;
    at = now;
    return tokens >= 0;
  };
}

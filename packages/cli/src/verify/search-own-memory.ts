import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
/** What follows the prefix in every canary: a bare prefix, which this process knows, is none. */
const SUFFIX_BYTES = 16;

export interface MemorySearch {
  bytes: number;
  found: number;
}

/**
 * Searches the writable memory of this process for each prefix with 16 letters or digits after it. Null where there
 * is no /proc to read it by.
 */
export function searchOwnMemory(prefixes: readonly string[]): Map<string, MemorySearch> | null {
  let maps: string;
  let memory: number;
  try {
    maps = readFileSync('/proc/self/maps', 'latin1');
    memory = openSync('/proc/self/mem', 'r');
  } catch {
    return null;
  }
  const results = new Map(prefixes.map((prefix) => [prefix, { bytes: 0, found: 0 }]));
  const overlap = Math.max(...prefixes.map((prefix) => prefix.length)) + SUFFIX_BYTES;
  const chunk = Buffer.alloc(CHUNK_BYTES + overlap);
  try {
    for (const [, from = '0', to = '0'] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
      const end = BigInt(`0x${to}`);
      for (let at = BigInt(`0x${from}`); at < end; at += BigInt(CHUNK_BYTES)) {
        const bytes = readAt(memory, chunk, at, end);
        for (const [prefix, result] of results) {
          result.bytes += Math.min(bytes, CHUNK_BYTES);
          result.found += countIn(chunk.subarray(0, bytes), prefix);
        }
      }
    }
  } finally {
    closeSync(memory);
    chunk.fill(0);
  }
  return results;
}

function readAt(memory: number, chunk: Buffer, at: bigint, end: bigint): number {
  const left = end - at;
  const length = left < BigInt(chunk.length) ? Number(left) : chunk.length;
  try {
    return readSync(memory, chunk, 0, length, at);
  } catch {
    // A guard page, or memory that was given back meanwhile.
    return 0;
  }
}

function countIn(bytes: Buffer, prefix: string): number {
  let found = 0;
  for (let at = bytes.indexOf(prefix, 0, 'latin1'); at !== -1; at = bytes.indexOf(prefix, at + 1, 'latin1')) {
    const suffix = bytes.subarray(at + prefix.length, at + prefix.length + SUFFIX_BYTES).toString('latin1');
    if (/^[A-Za-z0-9]{16}$/.test(suffix)) found += 1;
  }
  return found;
}

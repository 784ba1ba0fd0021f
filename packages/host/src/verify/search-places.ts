import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecretSearch, SECRET_OVERLAP_BYTES } from '@openlegion/contract/secret-forms';
import type { CensusFindings, CensusRequest } from './census-protocol.ts';

const PIECE_BYTES = 8 * 1024 * 1024;
const MOST_HITS = 200;

/** Reads everything that is named, in pieces. What cannot be read is listed, never passed over. */
export function searchPlaces({ prefix, paths, processes }: CensusRequest): CensusFindings {
  const search = createSecretSearch(prefix);
  const findings: CensusFindings = { hits: [], paths: [], processes: [], unreadable: [] };

  const look = (place: string, bytes: Uint8Array): number => {
    const hits = search(bytes);
    for (const { form } of hits) if (findings.hits.length < MOST_HITS) findings.hits.push({ place, form });
    return hits.length;
  };
  const attempt = <T>(place: string, read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      findings.unreadable.push({ place, why });
      return otherwise;
    }
  };

  for (const path of paths) {
    const seen = { path, files: 0, bytes: 0 };
    for (const file of attempt(path, () => filesOf(path), [])) {
      attempt(
        file,
        () => {
          seen.bytes += readFilePieces(file, (bytes) => look(file, bytes));
          seen.files += 1;
        },
        undefined,
      );
    }
    findings.paths.push(seen);
  }
  for (const { name, pid } of processes) {
    const seen = { name, pid, bytes: 0, hits: 0 };
    for (const file of ['environ', 'cmdline']) {
      const place = `${name} (pid ${pid}): ${file}`;
      const bytes = attempt(place, () => readFileSync(`/proc/${pid}/${file}`), Buffer.alloc(0));
      seen.hits += look(place, bytes);
    }
    const place = `${name} (pid ${pid}): memory`;
    seen.bytes = attempt(place, () => readMemory(pid, (bytes) => (seen.hits += look(place, bytes))), 0);
    findings.processes.push(seen);
  }
  return findings;
}

function filesOf(path: string): string[] {
  if (statSync(path).isDirectory()) {
    return readdirSync(path, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }
  return [path, `${path}-wal`, `${path}-shm`, `${path}-journal`].filter((file) => existsSync(file));
}

function readFilePieces(path: string, look: (bytes: Uint8Array) => void): number {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(PIECE_BYTES);
  let kept = 0;
  let total = 0;
  try {
    for (;;) {
      const read = readSync(file, piece, kept, piece.length - kept, null);
      if (read === 0) return total;
      total += read;
      const filled = kept + read;
      look(piece.subarray(0, filled));
      kept = Math.min(SECRET_OVERLAP_BYTES, filled);
      piece.copyWithin(0, filled - kept, filled);
    }
  } finally {
    closeSync(file);
  }
}

/** Every region of `/proc/PID/maps` (proc(5)) that can hold what the process learned. Needs root, or the same user and a kernel that allows it. */
function readMemory(pid: number, look: (bytes: Uint8Array) => void): number {
  const regions = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  const file = openSync(`/proc/${pid}/mem`, 'r');
  const piece = Buffer.alloc(PIECE_BYTES + SECRET_OVERLAP_BYTES);
  let total = 0;
  try {
    for (const region of regions) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(region);
      if (!range || /\[(?:vvar|vsyscall)/.test(region) || isUnchangedFile(region)) continue;
      const end = Number.parseInt(range[2] ?? '', 16);
      for (let at = Number.parseInt(range[1] ?? '', 16); at < end; at += PIECE_BYTES) {
        const read = readRegion(file, piece, Math.min(piece.length, end - at), at);
        total += Math.min(read, PIECE_BYTES);
        look(piece.subarray(0, read));
      }
    }
  } finally {
    closeSync(file);
  }
  if (total === 0) throw new Error('no region of its memory could be read');
  return total;
}

/** Programs and libraries, mapped without the right to write: nothing that a process learned can be in them. */
function isUnchangedFile(region: string): boolean {
  return /^\S+ r-[-x][ps] \S+ \S+ [1-9]\d* /.test(region);
}

/** A region may go away while it is read, or be one that no one can read: then there is nothing in it to find. */
function readRegion(file: number, piece: Buffer, length: number, at: number): number {
  try {
    return readSync(file, piece, 0, length, at);
  } catch {
    return 0;
  }
}

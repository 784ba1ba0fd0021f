import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createSecretSearch, SECRET_OVERLAP_BYTES } from '@openlegion/contract/secret-forms';
import { errorCode } from './error-code.ts';
import { processIds } from './processes.ts';
import { walk } from './walk.ts';

const PIECE_BYTES = 8 * 1024 * 1024;

type Finding = Record<'place' | 'form', string>;

/**
 * Searches all files, environments, command lines and readable memory of other processes for what starts with
 * `prefix`. `planted` is a prefix of a secret of no worth, put into a file and another process's environment first:
 * a search that does not find that proves nothing.
 */
export async function findSecrets(args: { prefix: string; planted: string }): Promise<unknown> {
  const worthless = args.planted + 'p1a2n3t4e5d6'.repeat(2);
  writeFileSync('/tmp/.probe-planted', Buffer.from(`{"x":"${worthless}"}`).toString('base64'));
  const child = spawn('sleep', ['100'], { env: { PLANTED: worthless }, stdio: 'ignore' });
  await new Promise((resolve) => child.once('spawn', resolve));
  try {
    return search(args.prefix, args.planted);
  } finally {
    child.kill();
    rmSync('/tmp/.probe-planted', { force: true });
  }
}

function search(prefix: string, planted: string): unknown {
  const finders = [createSecretSearch(prefix), createSecretSearch(planted)] as const;
  const found: Finding[] = [];
  const control: Finding[] = [];
  const counts = { files: 0, bytes: 0, processes: 0, memories: 0, memoryBytes: 0 };
  const unreadable: string[] = [];
  const orUnreadable = (place: string, read: () => void) => {
    try {
      read();
    } catch (error) {
      unreadable.push(`${place}: ${errorCode(error)}`);
    }
  };
  const look = (place: string, bytes: Uint8Array) => {
    for (const { form } of finders[0](bytes)) found.push({ place, form });
    // The planted one is where it was put; the image's hundreds of megabytes need not be searched for it as well.
    if (!/^\/(?:tmp|proc)\//.test(place)) return;
    for (const { form } of finders[1](bytes)) control.push({ place, form });
  };
  for (const { path, entry } of walk('/', new Set(['/proc', '/sys']))) {
    look(`name of ${path}`, Buffer.from(entry.name));
    if (!entry.isFile()) continue;
    orUnreadable(path, () => {
      counts.bytes += readPieces(path, (bytes) => look(path, bytes));
      counts.files += 1;
    });
  }
  for (const pid of processIds()) {
    counts.processes += 1;
    for (const file of ['environ', 'cmdline', 'status', 'maps', 'mountinfo']) {
      const place = `/proc/${pid}/${file}`;
      orUnreadable(place, () => look(place, readFileSync(place)));
    }
    // The memory of this program holds the worthless secret and nothing that it was not told.
    if (pid === process.pid) continue;
    orUnreadable(`/proc/${pid}/mem`, () => {
      counts.memoryBytes += readMemory(pid, (bytes) => look(`/proc/${pid}/mem`, bytes));
      counts.memories += 1;
    });
  }
  return {
    found: found.slice(0, 100),
    control: control.slice(0, 100),
    counts,
    unreadable: unreadable.slice(0, 50),
  };
}

function readPieces(path: string, look: (bytes: Uint8Array) => void): number {
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

function readMemory(pid: number, look: (bytes: Uint8Array) => void): number {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
  const file = openSync(`/proc/${pid}/mem`, 'r');
  let total = 0;
  try {
    for (const line of maps.split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line);
      if (!range || /\[(vvar|vsyscall)/.test(line)) continue;
      const start = Number.parseInt(range[1] ?? '', 16);
      const end = Number.parseInt(range[2] ?? '', 16);
      for (let at = start; at < end; at += PIECE_BYTES) {
        const piece = Buffer.alloc(Math.min(PIECE_BYTES + SECRET_OVERLAP_BYTES, end - at));
        try {
          const read = readSync(file, piece, 0, piece.length, at);
          total += read;
          look(piece.subarray(0, read));
        } catch {
          // A region that went away or cannot be read: the next one.
        }
      }
    }
    return total;
  } finally {
    closeSync(file);
  }
}

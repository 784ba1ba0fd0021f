import { closeSync, lstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { attempt, errorCode } from './error-code.ts';
import { walk } from './walk.ts';

export function readMounts(): { mountinfo: string; uidMap: string } {
  return {
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8').slice(0, 262_144),
    uidMap: readFileSync('/proc/self/uid_map', 'utf8').slice(0, 1000),
  };
}

/**
 * Files that give power: sockets, devices, setuid and setgid programs; the kernel's abstract sockets; and what
 * opening each of `sensitive` for reading gives.
 */
export function walkFiles(args: { sensitive: string[] }): unknown {
  const sockets: string[] = [];
  const setuid: string[] = [];
  const devices: string[] = [];
  let files = 0;
  for (const { path, entry } of walk('/', new Set(['/proc', '/sys']))) {
    files += 1;
    if (entry.isSocket()) sockets.push(path);
    else if (entry.isBlockDevice() || entry.isCharacterDevice()) devices.push(path);
    else if (entry.isFile()) {
      const { mode, uid } = lstatSync(path);
      if (mode & 0o6000) setuid.push(`${path} mode ${(mode & 0o7777).toString(8)} uid ${uid}`);
    }
  }
  return {
    files,
    sockets,
    setuid,
    devices,
    unix: unixSockets(),
    sensitive: args.sensitive.map(openForReading),
  };
}

/** Paths and abstract names (`@…`) that the kernel lists for this network namespace. */
function unixSockets(): string[] {
  try {
    return readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/)[7] ?? '')
      .filter((name) => name !== '')
      .slice(0, 200);
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? [] : [`unreadable: ${errorCode(error)}`];
  }
}

function openForReading(path: string): { path: string; result: string; bytes: number } {
  const read = attempt(() => {
    const file = openSync(path, 'r');
    try {
      return readSync(file, Buffer.alloc(64));
    } finally {
      closeSync(file);
    }
  });
  return typeof read === 'string' ? { path, result: read, bytes: 0 } : { path, result: 'ok', bytes: read };
}

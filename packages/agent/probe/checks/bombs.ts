import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { errorCode } from './error-code.ts';
import { runPython } from './python.ts';

const FORK_PROGRAM = `
import errno, json, os, signal, sys, time
children, failure = [], 'none'
while len(children) < int(sys.argv[1]):
    try:
        pid = os.fork()
    except OSError as error:
        failure = errno.errorcode.get(error.errno, str(error.errno))
        break
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(60)
        os._exit(0)
    children.append(pid)
for pid in children: os.kill(pid, signal.SIGKILL)
for pid in children: os.waitpid(pid, 0)
print(json.dumps({'started': len(children), 'failure': failure}))
`;

const MEMORY_PROGRAM = `
import sys
pieces, size = [], 8 * 1024 * 1024
for n in range(int(sys.argv[1]) // 8):
    try:
        pieces.append(bytearray(b'x' * size))
    except MemoryError:
        break
import json
print(json.dumps({'megabytes': len(pieces) * 8, 'ended': 'by itself'}))
`;

/** Processes until it fails or `most` are there; then they are ended. */
export function forkBomb(args: { most: number }): Promise<unknown> {
  return runPython(FORK_PROGRAM, [String(args.most)]);
}

/** Takes and touches memory up to `megabytes`. May end the whole container. */
export async function memoryBomb(args: { megabytes: number }): Promise<unknown> {
  try {
    return await runPython(MEMORY_PROGRAM, [String(args.megabytes)]);
  } catch (error) {
    return { megabytes: 0, ended: /SIGKILL|137/.test(String(error)) ? 'SIGKILL' : errorCode(error) };
  }
}

/** Writes to a file in each of `directories` until refused or `most` bytes; the files are removed. */
export function fillDisk(args: { directories: string[]; most: number }): unknown {
  process.on('SIGXFSZ', () => {});
  return { directories: args.directories.map((path) => ({ path, ...fill(path, args.most) })) };
}

function fill(directory: string, most: number): { bytes: number; failure: string } {
  const chunk = Buffer.alloc(1024 * 1024, 1);
  const paths: string[] = [];
  let bytes = 0;
  try {
    // Several files, so that the limit on one file's size is not what stops it.
    for (let part = 0; bytes < most; part += 1) {
      const path = `${directory}/.probe-fill-${part}`;
      const file = openSync(path, 'w');
      paths.push(path);
      try {
        for (let n = 0; n < 32 && bytes < most; n += 1) bytes += writeSync(file, chunk);
      } finally {
        closeSync(file);
      }
    }
    return { bytes, failure: 'none' };
  } catch (error) {
    return { bytes, failure: errorCode(error) };
  } finally {
    for (const path of paths) rmSync(path, { force: true });
  }
}

/** Opens files until refused or `most` are open; then closes them. */
export function openFiles(args: { most: number }): unknown {
  const files: number[] = [];
  try {
    while (files.length < args.most) files.push(openSync('/dev/null', 'r'));
    return { opened: files.length, failure: 'none' };
  } catch (error) {
    return { opened: files.length, failure: errorCode(error) };
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** Asks for all of a processor for `forMs` of wall clock, and says what it got. */
export function spin(args: { forMs: number }): unknown {
  const wall = performance.now();
  const before = process.cpuUsage();
  while (performance.now() - wall < args.forMs);
  const used = process.cpuUsage(before);
  return { cpuMs: (used.user + used.system) / 1000, wallMs: performance.now() - wall };
}

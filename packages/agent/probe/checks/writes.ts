import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { attempt } from './error-code.ts';

/**
 * Tries to write: a new file in each of `directories` (removed again), and the opening, for writing, of each of
 * `files`, into which nothing is written.
 */
export function tryWrites(args: { directories: string[]; files: string[] }): unknown {
  return {
    directories: args.directories.map((path) => ({ path, result: create(`${path}/.probe-write`) })),
    files: args.files.map((path) => ({ path, result: openForWriting(path) })),
  };
}

function create(path: string): string {
  return attempt(() => {
    const file = openSync(path, 'wx');
    try {
      writeSync(file, 'x');
    } finally {
      closeSync(file);
      rmSync(path);
    }
    return 'ok';
  });
}

function openForWriting(path: string): string {
  return attempt(() => {
    closeSync(openSync(path, 'r+'));
    return 'ok';
  });
}

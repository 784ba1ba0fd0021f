import { randomUUID } from 'node:crypto';
import {
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { parseEnv } from 'node:util';

export interface EnvCredential {
  name: string;
  value: string;
}

const LINE = /^\s*(?:export\s+)?(OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]{1,100})\s*=/;

/** The credentials among a `.env` file's lines, in order; those without a value are left out. A missing file has none. */
export function readEnvCredentials(path: string): EnvCredential[] {
  return readLines(path).flatMap((line) => {
    const name = LINE.exec(line)?.[1];
    const value = name ? parseEnv(line)[name] : undefined;
    return name && value ? [{ name, value }] : [];
  });
}

/**
 * Rewrites the file without the lines that set `name`, atomically, with its mode and owner; every other byte stays.
 * A link is followed, so that it stays one.
 */
export function removeFromEnvFile(path: string, name: string): void {
  const lines = readLines(path);
  const kept = lines.filter((line) => LINE.exec(line)?.[1] !== name);
  if (kept.length === lines.length) return;
  const target = realpathSync(path);
  const { mode, uid, gid } = statSync(target);
  const temporary = `${target}.${randomUUID()}`;
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(fd, kept.join('\n'));
    fchmodSync(fd, mode & 0o7777);
    if (process.getuid?.() === 0) chownSync(temporary, uid, gid);
    fsyncSync(fd);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  const directory = openSync(dirname(target), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

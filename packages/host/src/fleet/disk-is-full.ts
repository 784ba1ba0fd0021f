import { statfsSync } from 'node:fs';
import type { Refusal } from '@openlegion/contract/refusal';

/** Less than this is no room to work in: a turn is noted in some KB, an agent's file system in blocks. */
const LEAST_BYTES = 256 * 1024;

/** Whether the disk of `directory` is full, which fails every agent whose volume is a file on it. */
export function diskIsFull(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < LEAST_BYTES;
}

/** What is told of a turn that a full disk ended. */
export const DISK_FULL: Refusal = {
  code: 'disk_full',
  rule: 'store.full',
  message: 'The disk that holds the data directory is full, and the agent could not note what it did.',
  remedy: 'Free space there. The message waits for it and is answered then.',
};

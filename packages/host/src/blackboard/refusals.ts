import type { Refusal } from '@openlegion/contract/refusal';

/** Every way in which the blackboard itself says no; permissions say it before. */
export const blackboardRefusals = {
  key: (key: string): Refusal => ({
    code: 'bad_request',
    rule: 'blackboard.key',
    message: `${shown(key)} is no key: two readers could take it for different ones.`,
    remedy: 'Use plain segments between slashes, no ".." or "*", no invisible or full-width characters.',
  }),
  appendOnly: (key: string): Refusal => ({
    code: 'denied',
    rule: 'blackboard.history_append_only',
    message: `${shown(key)} is under history/: what is there stays, and does not expire.`,
    remedy: 'Append a new version that says what has changed.',
  }),
  valueTooLarge: (key: string, bytes: number): Refusal => ({
    code: 'too_large',
    rule: 'blackboard.value_bytes',
    message: `The value for ${shown(key)} is larger than ${bytes} bytes.`,
    remedy: 'Store it as an artifact, or in parts under keys of their own.',
  }),
  writerFull: (writer: string, bytes: number): Refusal => ({
    code: 'too_large',
    rule: 'blackboard.writer_bytes',
    message: `What ${writer} has on the blackboard would be more than ${bytes} bytes.`,
    remedy: 'Delete entries that are no longer needed, or let them expire with ttlMs.',
  }),
  otherVersion: (key: string, wanted: number, current: number): Refusal => ({
    code: 'conflict',
    rule: 'blackboard.version',
    message: `${shown(key)} is at version ${current}, not ${wanted}; nothing was written.`,
    remedy: 'Read it again, and write with the version that was read.',
  }),
  noEntry: (key: string): Refusal => ({
    code: 'not_found',
    rule: 'blackboard.entry',
    message: `There is nothing under ${shown(key)}.`,
    remedy: 'List the keys that exist.',
  }),
  noVersion: (key: string): Refusal => ({
    code: 'not_found',
    rule: 'blackboard.undo',
    message: `${shown(key)} has no such earlier version any more.`,
    remedy: 'See its history for the versions that are kept.',
  }),
  watchTooOld: (): Refusal => ({
    code: 'conflict',
    rule: 'blackboard.watch_too_old',
    message: 'Deletions after that change are forgotten: continuing would miss them.',
    remedy: 'List the keys, then watch from now on.',
  }),
  watches: (most: number): Refusal => ({
    code: 'rate_limited',
    rule: 'blackboard.watches',
    message: `More than ${most} watches at a time.`,
    remedy: 'End one, or watch a shorter prefix.',
  }),
};

function shown(key: string): string {
  return JSON.stringify(key.toWellFormed().slice(0, 100));
}

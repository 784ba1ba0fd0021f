import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/**
 * A configuration file as it is to be, on disk beside it; `commit` puts it in the file's place in one step, unless
 * somebody has changed that meanwhile. `edit` returns null where nothing changes. Throws `disk_full`, or `unavailable`
 * for a file that cannot be read or replaced; it is then as it was.
 */
export function stageEdit(
  path: string,
  edit: (text: string) => string | null,
): { commit(): void } & Disposable {
  const next = `${path}.host-new`;
  const trying = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw unusable(basename(path), cause);
    }
  };
  const before = trying(() => readFileSync(path, 'utf8'));
  const after = edit(before);
  if (after === null) return { commit() {}, [Symbol.dispose]() {} };
  trying(() => {
    rmSync(next, { force: true });
    const file = openSync(next, 'wx', 0o600);
    try {
      writeFileSync(file, after);
      fchmodSync(file, statSync(path).mode & 0o777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  });
  return {
    commit: () =>
      trying(() => {
        if (readFileSync(path, 'utf8') !== before) throw new Error('it was changed in the same moment');
        renameSync(next, path);
      }),
    [Symbol.dispose]: () => rmSync(next, { force: true }),
  };
}

function unusable(file: string, cause: unknown): OpenLegionError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new OpenLegionError(
      {
        ...{ code: 'disk_full', rule: 'config.file', message: `The disk is full: ${file} is as it was.` },
        remedy: 'Free space on the disk that holds config/, and try again.',
      },
      { cause },
    );
  const why = code === '' && cause instanceof Error ? cause.message : code;
  return new OpenLegionError(
    {
      code: 'unavailable',
      rule: 'config.file',
      message: `The host cannot change config/${file} (${why}); it is as it was.`,
      remedy: 'Check that config/ and the file belong to the user who runs OpenLegion, and try again.',
    },
    { cause },
  );
}

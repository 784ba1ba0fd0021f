const WORDS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['EACCES', 'may not be read or written by this user'],
  ['EPERM', 'may not be read or written by this user'],
  ['EISDIR', 'is a directory'],
  ['ENOTDIR', 'has a file where a directory should be'],
  ['EEXIST', 'has a file where a directory should be'],
  ['EROFS', 'is on a read-only file system; only /data can be written'],
  ['ENOSPC', 'cannot be written: the disk is full'],
  ['EDQUOT', 'cannot be written: the disk is full'],
  ['ELOOP', 'has too many symbolic links'],
  ['ENAMETOOLONG', 'is too long a name'],
  ['ENXIO', 'is not a regular file'],
]);

/** A file system error in words that a model can act on. */
export function fileProblem(error: unknown, path: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return `${path} ${WORDS.get(code) ?? `could not be used (${code || 'unexpected error'})`}`;
}

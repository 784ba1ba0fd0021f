import { rename, rm, stat, writeFile } from 'node:fs/promises';

/** Replaces a regular file as a whole: readers see the old or the new. `key` names the temporary file. */
export async function replaceFile(full: string, content: string, key: string): Promise<void> {
  const old = await stat(full).catch(() => undefined);
  if (old !== undefined && !old.isFile()) {
    throw Object.assign(new Error('not a regular file'), { code: old.isDirectory() ? 'EISDIR' : 'ENXIO' });
  }
  const temporary = `${full}.${key.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(-60)}.tmp`;
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: old?.mode ?? 0o644 });
    await rename(temporary, full);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

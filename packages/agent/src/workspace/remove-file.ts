import { rm } from 'node:fs/promises';
import { openBeneath } from './open-beneath.ts';

/** Removes a file of the workspace, following no link. */
export async function removeFile(root: string, path: string): Promise<void> {
  await openBeneath(root, path, false, (directory, name) => rm(`${directory}/${name}`, { force: true }));
}

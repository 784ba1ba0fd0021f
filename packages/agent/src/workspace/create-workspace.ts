import { constants } from 'node:fs';
import { lstat, open, opendir, rename, rm, writeFile } from 'node:fs/promises';
import { type WorkspaceListing, WorkspacePath } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { openBeneath } from './open-beneath.ts';

export const WORKSPACE_FILE_BYTES = 16 * 1024 * 1024;
const LISTED_FILES = 2000;
const LISTED_DEPTH = 8;

/** The agent's files as the host sees them. No path leads out of the workspace, links included. */
export interface Workspace {
  list(): Promise<WorkspaceListing>;
  /** The same files, with when each was last changed: Unix time in milliseconds. */
  stamps(): Promise<FileStamp[]>;
  /** Throws `bad_request`, `not_found`, `denied`, `too_large`. */
  read(path: string): Promise<Buffer>;
  /** Whole or not at all. Throws `disk_full` too. */
  write(path: string, content: Buffer): Promise<void>;
}

export interface FileStamp {
  path: string;
  bytes: number;
  changedMs: number;
}

export function createWorkspace(root: string): Workspace {
  return {
    async list() {
      return { files: (await stamps(root)).map(({ path, bytes }) => ({ path, bytes })) };
    },
    stamps: () => stamps(root),
    read: async (path) =>
      openBeneath(root, checked(path), false, async (directory, name) => {
        const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
        await using file = await open(`${directory}/${name}`, flags);
        const stat = await file.stat();
        if (!stat.isFile()) throw notAFile(path);
        if (stat.size > WORKSPACE_FILE_BYTES) throw tooLarge(path);
        const content = Buffer.alloc(stat.size);
        let bytes = 0;
        while (bytes < content.length) {
          const { bytesRead } = await file.read(content, bytes, content.length - bytes, bytes);
          if (bytesRead === 0) break;
          bytes += bytesRead;
        }
        return content.subarray(0, bytes);
      }),
    write: async (path, content) =>
      openBeneath(root, checked(path), true, async (directory, name) => {
        const old = await lstat(`${directory}/${name}`).catch(() => undefined);
        if (old !== undefined && !old.isFile()) throw notAFile(path);
        const temporary = `${directory}/.${name.slice(0, 100)}.${process.pid}.tmp`;
        try {
          await writeFile(temporary, content, { flag: 'wx', mode: 0o644 });
          await rename(temporary, `${directory}/${name}`);
        } finally {
          await rm(temporary, { force: true });
        }
      }),
  };
}

async function stamps(root: string): Promise<FileStamp[]> {
  const files: FileStamp[] = [];
  await listInto(files, root, '', 0);
  return files;
}

async function listInto(files: FileStamp[], directory: string, prefix: string, depth: number): Promise<void> {
  const names: string[] = [];
  for await (const entry of await opendir(directory)) {
    names.push(entry.name);
    if (names.length > LISTED_FILES) break;
  }
  for (const name of names.sort()) {
    if (files.length >= LISTED_FILES) return;
    const path = `${prefix}${name}`;
    if (!WorkspacePath.safeParse(path).success) continue;
    const stat = await lstat(`${directory}/${name}`).catch(() => undefined);
    if (stat?.isFile()) files.push({ path, bytes: stat.size, changedMs: stat.mtimeMs });
    if (stat?.isDirectory() && depth + 1 < LISTED_DEPTH) {
      await listInto(files, `${directory}/${name}`, `${path}/`, depth + 1);
    }
  }
}

function checked(path: string): string {
  const parsed = WorkspacePath.safeParse(path);
  if (parsed.success) return parsed.data;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'agent.workspace.path',
    message: 'This is no path of a workspace file.',
    remedy: 'Use a relative path without “..”, at most 8 levels deep.',
  });
}

function notAFile(path: string): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'agent.workspace',
    message: `${path} is not a regular file.`,
    remedy: 'List the workspace to see what is there.',
  });
}

function tooLarge(path: string): OpenLegionError {
  return new OpenLegionError({
    code: 'too_large',
    rule: 'agent.workspace',
    message: `${path} is larger than ${WORKSPACE_FILE_BYTES} bytes.`,
    remedy: 'Let the agent cut or compress it.',
  });
}

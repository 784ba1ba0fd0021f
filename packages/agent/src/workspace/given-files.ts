import { createHash } from 'node:crypto';
import type { Database } from '../history/database.ts';
import type { Workspace } from './create-workspace.ts';
import type { KeepVersion } from './keep-version.ts';
import { PROMPT_FILE_BYTES, PROMPT_FILES } from './prompt-files.ts';

/** Which files of prompts say what a person put there, whoever wrote to them since. */
export interface GivenFiles {
  /** `start`: the first 64 KiB of what the file holds now. */
  isGiven(file: string, start: Buffer): boolean;
  /** The workspace as people write to it: what they put into a file of prompts is given, what was there is a version. */
  workspace: Workspace;
}

/**
 * The last content that a person put into each file of prompts is known by its digest, in `agent.db`. Hygiene: a
 * program in the container can write there too.
 */
export function createGivenFiles(database: Database, workspace: Workspace, keep: KeepVersion): GivenFiles {
  return {
    isGiven: (file, start) =>
      database.read('SELECT digest FROM given_files WHERE path = ?', file)[0]?.digest === digestOf(start),
    workspace: {
      ...workspace,
      async write(path, content) {
        if (!PROMPT_FILES.some(({ name }) => name === path)) return workspace.write(path, content);
        const old = await workspace.read(path).catch(() => undefined);
        // What cannot be read as a file was not in a prompt either.
        if (old !== undefined) await keep(path, old);
        await workspace.write(path, content);
        database.write(
          'INSERT INTO given_files VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET digest = excluded.digest',
          path,
          digestOf(content.subarray(0, PROMPT_FILE_BYTES)),
        );
      },
    },
  };
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

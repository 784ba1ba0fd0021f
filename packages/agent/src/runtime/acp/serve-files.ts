import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Workspace } from '../../workspace/create-workspace.ts';
import { FileRead, FileWrite } from './messages.ts';

const MAX_CHARS = 2_000_000;

/** Reads and writes that a program asks of us instead of doing them: within the workspace, links included, or refused. */
export interface FileService {
  read(params: unknown): Promise<{ content: string }>;
  write(params: unknown): Promise<null>;
}

export function serveFiles(workspace: Workspace, root: string): FileService {
  const within = (path: string): string => {
    if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
    throw new OpenLegionError({
      code: 'denied',
      rule: 'runtime.files',
      message: 'Only files of the workspace can be read and written through the client.',
      remedy: `Use a path below ${root}.`,
    });
  };
  return {
    async read(params) {
      const { path, line, limit } = FileRead.parse(params);
      const text = (await workspace.read(within(path))).toString('utf8');
      const from = (line ?? 1) - 1;
      if (from === 0 && !limit) return { content: text.slice(0, MAX_CHARS) };
      const lines = text.split('\n').slice(from, limit ? from + limit : undefined);
      return { content: lines.join('\n').slice(0, MAX_CHARS) };
    },
    async write(params) {
      const { path, content } = FileWrite.parse(params);
      await workspace.write(within(path), Buffer.from(content));
      return null;
    },
  };
}

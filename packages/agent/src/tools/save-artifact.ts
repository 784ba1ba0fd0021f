import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WorkspacePath } from '@openlegion/contract/agent-api';
import { ArtifactSaved } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { orRefused } from './answer-of-mesh.ts';
import { fileProblem } from './file-problem.ts';
import { type AnyTool, defineTool } from './tool.ts';

const MAX_BYTES = 32 * 1024 * 1024;

/** Gives a file of the workspace to other agents: the host keeps it, the blackboard says that it is there. */
export function createSaveArtifact(mesh: MeshClient, workspace: string): AnyTool {
  return defineTool({
    name: 'save_artifact',
    description:
      'Give a file of your workspace to other agents and to the user. Gives the key of the blackboard under which they find it.',
    schema: z.strictObject({
      path: z.string().min(1).max(4096),
      name: WorkspacePath.optional().describe(
        'what it is called, such as reports/march.csv; else the file’s own name',
      ),
    }),
    timeoutMs: 120_000,
    run: ({ path, name }, { signal }) =>
      orRefused(async () => {
        const called = name ?? path.split('/').at(-1) ?? '';
        if (!WorkspacePath.safeParse(called).success)
          return { outcome: 'error', output: `${called} is no plain name: give another in name` };
        let bytes: Buffer;
        try {
          await using file = await open(resolve(workspace, path), constants.O_RDONLY | constants.O_NONBLOCK);
          const stat = await file.stat();
          if (!stat.isFile()) return { outcome: 'error', output: `${path} is not a regular file` };
          if (stat.size > MAX_BYTES) return { outcome: 'error', output: `${path} is larger than 32 MiB` };
          bytes = await file.readFile();
        } catch (error) {
          return { outcome: 'error', output: fileProblem(error, path) };
        }
        const to = `/mesh/artifacts/${called.split('/').map(encodeURIComponent).join('/')}`;
        const headers = { 'content-type': 'application/octet-stream' };
        const answer = await mesh.call({ method: 'PUT', path: to, body: bytes, headers, signal });
        const saved = ArtifactSaved.parse(await readMeshJson(answer));
        return {
          outcome: 'ok',
          output: `saved ${saved.bytes} bytes as ${saved.key}, version ${saved.version}`,
        };
      }),
  });
}

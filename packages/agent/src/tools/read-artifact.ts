import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WorkspacePath } from '@openlegion/contract/agent-api';
import { z } from 'zod';
import { readMeshJson } from '../mesh/read-answer.ts';
import type { MeshClient } from '../pipe/pipe.ts';
import { orRefused } from './answer-of-mesh.ts';
import { fileProblem } from './file-problem.ts';
import { type AnyTool, defineTool } from './tool.ts';

/** Brings an artifact of another agent into the workspace. */
export function createReadArtifact(mesh: MeshClient, workspace: string): AnyTool {
  return defineTool({
    name: 'read_artifact',
    description: 'Copy an artifact (a key of the blackboard below artifacts/) into a file of your workspace.',
    schema: z.strictObject({
      key: z
        .string()
        .max(512)
        .regex(/^artifacts\/./, 'a key below artifacts/'),
      path: WorkspacePath,
    }),
    timeoutMs: 120_000,
    run: ({ key, path }, { signal, callId }) =>
      orRefused(async () => {
        const from = `/mesh/${key.split('/').map(encodeURIComponent).join('/')}`;
        const answer = await mesh.call({ method: 'GET', path: from, signal });
        if (answer.status !== 200) await readMeshJson(answer);
        const full = resolve(workspace, path);
        const part = `${full}.${callId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(-60)}.tmp`;
        try {
          await mkdir(dirname(full), { recursive: true });
          await pipeline(answer.body, createWriteStream(part, { flags: 'wx' }), { signal });
          await rename(part, full);
          return { outcome: 'ok', output: `copied to ${path}` };
        } catch (error) {
          await rm(part, { force: true });
          return { outcome: 'error', output: fileProblem(error, path) };
        }
      }),
  });
}

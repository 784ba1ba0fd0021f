import { VaultView } from '@openlegion/contract/mesh-api';
import { z } from 'zod';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool } from './tool.ts';

type Credential = VaultView['credentials'][number];

/** The handles of what the agent was granted, and where each may go. Values are nowhere to be had. */
export function createVaultList(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'vault_list',
    description:
      'List the credentials that you may use: the handle of each, the hosts that it works at, and the variables in which programs that you run find a placeholder for it.',
    schema: z.strictObject({}),
    run: (_input, { signal }) =>
      orRefused(async () => {
        const lines = (await credentials(mesh, signal)).map(
          ({ handle, hosts, environment, own }) =>
            `${handle}${own ? ' (your own)' : ''}: ${hosts.join(', ')}${environment.length > 0 ? `; in ${environment.join(', ')}` : ''}`,
        );
        return { outcome: 'ok', output: lines.join('\n') || 'none is granted to you' };
      }),
  });
}

/** One credential, or each, with its version, its last use and what it allows. */
export function createVaultStatus(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'vault_status',
    description: 'Show of one credential, or of all: its version, when it was last used, and what it allows.',
    schema: z.strictObject({ name: z.string().min(1).max(200).optional().describe('Its name or handle.') }),
    run: ({ name }, { signal }) =>
      orRefused(async () => {
        const all = await credentials(mesh, signal);
        const wanted = all.filter((one) => name === undefined || name === one.name || name === one.handle);
        if (wanted.length > 0) return { outcome: 'ok', output: wanted.map(statusOf).join('\n\n') };
        if (name === undefined) return { outcome: 'ok', output: 'none is granted to you' };
        const others = all.map((one) => one.name).join(', ') || 'none';
        return { outcome: 'error', output: `no credential ${name} is granted to you; there are: ${others}` };
      }),
  });
}

async function credentials(mesh: MeshClient, signal: AbortSignal): Promise<Credential[]> {
  return VaultView.parse(await answerOfMesh(mesh, signal, '/mesh/vault')).credentials;
}

function statusOf({ handle, version, createdAt, lastUsedAt, hosts, allows }: Credential): string {
  return [
    `${handle}: version ${version} of ${createdAt}, ${lastUsedAt === null ? 'never used' : `last used ${lastUsedAt}`}`,
    `  at ${hosts.join(', ')}`,
    ...allows.map((rule) => `  allows ${rule}`),
  ].join('\n');
}

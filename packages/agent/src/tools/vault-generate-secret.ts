import { GenerateSecret, SecretHandle } from '@openlegion/contract/mesh-api';
import type { MeshClient } from '../pipe/pipe.ts';
import { answerOfMesh, orRefused } from './answer-of-mesh.ts';
import { type AnyTool, defineTool, type ToolResult } from './tool.ts';

/** Has the vault make a secret, of which only the handle is told. */
export function createVaultGenerateSecret(mesh: MeshClient): AnyTool {
  return defineTool({
    name: 'vault_generate_secret',
    description:
      'Have the vault make a random secret that you can send to the hosts you name, which must be among your domains. You get a handle, never the value. The same name again replaces it.',
    schema: GenerateSecret,
    run: (secret, { signal }) =>
      orRefused(async () => handleResult(await answerOfMesh(mesh, signal, '/mesh/vault/generate', secret))),
  });
}

export function handleResult(answer: unknown): ToolResult {
  const { handle, version } = SecretHandle.parse(answer);
  return { outcome: 'ok', output: `kept as ${handle}, version ${version}` };
}

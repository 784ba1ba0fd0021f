import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from '@openlegion/contract/catalog';
import { createScriptedServer } from '../../packages/scripted/src/scripted-server.ts';

/** A model provider on this machine's loopback that speaks the real wires and plays a script, of the name `m`. */
export interface WireProvider extends AsyncDisposable {
  /** Paths of the calls that came. */
  calls: string[];
  /** What was in the calls that came whole. */
  bodies: string[];
  /** The lines of mesh.yaml that make it a provider for one dialect: `own-DIALECT/m`. */
  configure(dialects: readonly Dialect[]): string;
}

export async function startWireProvider(script: string): Promise<WireProvider> {
  const scriptsDirectory = mkdtempSync(join(tmpdir(), 'openlegion-scripts-'));
  writeFileSync(join(scriptsDirectory, 'm.yaml'), script);
  const server = createScriptedServer({ scriptsDirectory });
  const calls: string[] = [];
  const bodies: string[] = [];
  server.on('request', (request: IncomingMessage) => {
    calls.push(request.url ?? '');
    const chunks: Buffer[] = [];
    // The server itself reads it; this only hears what it reads.
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => bodies.push(Buffer.concat(chunks).toString('utf8')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const prices = 'input_usd_per_million: 1, output_usd_per_million: 1';
  const limits = 'context_tokens: 200000, max_output_tokens: 32000, image_tokens: 5000';
  return {
    calls,
    bodies,
    configure: (dialects) =>
      dialects
        .map(
          (dialect) =>
            `    own-${dialect}: { base_url: "http://127.0.0.1:${port}/v1", dialect: ${dialect}, key: none, models: { m: { ${limits}, ${prices} } } }\n`,
        )
        .join(''),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(scriptsDirectory, { recursive: true });
    },
  };
}

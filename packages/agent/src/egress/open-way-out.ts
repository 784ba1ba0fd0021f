import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import type { AgentStart } from '@openlegion/contract/agent-api';
import { AUTHORITY_FILE, PUBLIC_ROOTS_FILE, ROOTS_FILE } from '@openlegion/contract/program-environment';
import type { EgressDialler, MeshClient } from '../pipe/pipe.ts';
import { serveProxy } from './serve-proxy.ts';

/**
 * Puts the agent's authority where programs look for roots, and opens the two helpers on loopback. A convenience:
 * where one of them cannot be had (a port taken, a full tmpfs) the agent works without it, and says so in its log.
 * Resolves with what listens.
 */
export async function openWayOut(options: {
  start: AgentStart;
  mesh: MeshClient;
  dial: EgressDialler;
  at: WayOut;
  log: (error: unknown) => void;
}): Promise<Server[]> {
  const { start, mesh, dial, at, log } = options;
  const opened = await Promise.allSettled([
    trust(at.trustDirectory, start.egress.authorityPem),
    serveProxy(dial, at.proxyPort),
    serveModels(at.modelPort, () => start.model, mesh, log),
  ]);
  for (const part of opened) if (part.status === 'rejected') log(part.reason);
  return opened.flatMap((part) => (part.status === 'fulfilled' && part.value ? [part.value] : []));
}

/** Where it is: in a container what `program-environment.ts` says. Port 0 is any. */
export interface WayOut {
  trustDirectory: string;
  proxyPort: number;
  modelPort: number;
}

async function trust(directory: string, authorityPem: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, basename(AUTHORITY_FILE)), authorityPem);
  writeFileSync(join(directory, basename(ROOTS_FILE)), `${authorityPem}\n${publicRoots()}`);
}

/** Outside of the image (in tests) there are none: programs then trust the agent's authority alone. */
function publicRoots(): string {
  try {
    return readFileSync(PUBLIC_ROOTS_FILE, 'utf8');
  } catch {
    return '';
  }
}

/** HTTP and all behind it are loaded with the first connection: an idle agent does not pay for them. */
function serveModels(
  port: number,
  model: () => string,
  mesh: MeshClient,
  log: (error: unknown) => void,
): Promise<Server> {
  let endpoint: Promise<{ accept(socket: Socket): void }> | undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    endpoint ??= import('../endpoint/create-model-endpoint.ts').then(({ createModelEndpoint }) =>
      createModelEndpoint({ mesh, model, log }),
    );
    endpoint.then(
      ({ accept }) => accept(socket),
      (error: unknown) => {
        log(error);
        socket.destroy();
      },
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

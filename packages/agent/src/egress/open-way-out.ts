import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { AgentStart } from '@openlegion/contract/agent-api';
import {
  AUTHORITY_FILE,
  MODEL_PORT,
  PROXY_PORT,
  PUBLIC_ROOTS_FILE,
  ROOTS_FILE,
  TRUST_DIRECTORY,
} from '@openlegion/contract/program-environment';
import type { EgressDialler, MeshClient } from '../pipe/pipe.ts';
import { serveProxy } from './serve-proxy.ts';

/**
 * Puts the agent's authority where programs look for roots, and opens the two helpers on loopback. A convenience:
 * where one of them cannot be had (a port taken, a full tmpfs) the agent works without, and says so in its log.
 */
export async function openWayOut(options: {
  start: AgentStart;
  mesh: MeshClient;
  dial: EgressDialler;
  log: (error: unknown) => void;
}): Promise<void> {
  const { start, mesh, dial, log } = options;
  try {
    trust(start.egress.authorityPem);
    await serveProxy(dial, PROXY_PORT);
    await serveModels(() => start.model, mesh, log);
  } catch (error) {
    log(error);
  }
}

function trust(authorityPem: string): void {
  mkdirSync(TRUST_DIRECTORY, { recursive: true, mode: 0o755 });
  writeFileSync(AUTHORITY_FILE, authorityPem);
  writeFileSync(ROOTS_FILE, `${authorityPem}\n${publicRoots()}`);
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
function serveModels(model: () => string, mesh: MeshClient, log: (error: unknown) => void): Promise<void> {
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
    server.listen(MODEL_PORT, '127.0.0.1', resolve);
  });
}

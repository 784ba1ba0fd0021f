/*
 * What runs in a container: serves the pipe on its standard input and output until the end of input. Untrusted, and
 * without any credential. From /start on, two helpers listen on the container's loopback for whatever else runs in
 * it: a model endpoint and an HTTP proxy, which both only forward into the pipe.
 */
import { MODEL_PORT, PROXY_PORT, TRUST_DIRECTORY } from '@openlegion/contract/program-environment';
import { createAgentApi } from './api/create-agent-api.ts';
import { claimStdio } from './claim-stdio.ts';
import { openWayOut } from './egress/open-way-out.ts';
import { agentPaths } from './paths.ts';
import { servePipe } from './pipe/serve-pipe.ts';

const { input, output } = claimStdio();
const log = (error: unknown) => console.error(error);

/** Elsewhere only where there is no container around it. */
const { OPENLEGION_TRUST, OPENLEGION_PROXY_PORT, OPENLEGION_MODEL_PORT } = process.env;
const at = {
  trustDirectory: OPENLEGION_TRUST ?? TRUST_DIRECTORY,
  proxyPort: Number(OPENLEGION_PROXY_PORT ?? PROXY_PORT),
  modelPort: Number(OPENLEGION_MODEL_PORT ?? MODEL_PORT),
};

const handle = createAgentApi({
  paths: agentPaths(process.env.OPENLEGION_DATA ?? '/data'),
  openDatabase: async (path) => (await import('./history/open-database.ts')).openDatabase(path),
  openWayOut: async (start) => {
    await openWayOut({ start, mesh: pipe.mesh, dial: pipe.dialEgress, at, log });
  },
  loadChatRoutes: async (agent, progress) =>
    (await import('./load-chat-routes.ts')).loadChatRoutes(agent, progress, pipe.mesh, log),
  log,
});
const pipe = servePipe({ input, output, handle });
process.on('unhandledRejection', log);
await pipe.closed;
process.exit(0);

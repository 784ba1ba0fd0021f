/*
 * What runs in a container: serves the pipe on its standard input and output until the end of input. Untrusted, and
 * without any credential. From /start on, two helpers listen on the container's loopback for whatever else runs in
 * it: a model endpoint and an HTTP proxy, which both only forward into the pipe.
 */
import { createAgentApi } from './api/create-agent-api.ts';
import { claimStdio } from './claim-stdio.ts';
import { openWayOut } from './egress/open-way-out.ts';
import { agentPaths } from './paths.ts';
import { servePipe } from './pipe/serve-pipe.ts';

const { input, output } = claimStdio();
const log = (error: unknown) => console.error(error);

const handle = createAgentApi({
  paths: agentPaths(process.env.OPENLEGION_DATA ?? '/data'),
  openDatabase: async (path) => (await import('./history/open-database.ts')).openDatabase(path),
  openWayOut: (start) => openWayOut({ start, mesh: pipe.mesh, dial: pipe.dialEgress, log }),
  loadChatRoutes: async (agent, progress) =>
    (await import('./load-chat-routes.ts')).loadChatRoutes(agent, progress, pipe.mesh, log),
  log,
});
const pipe = servePipe({ input, output, handle });
process.on('unhandledRejection', log);
await pipe.closed;
process.exit(0);

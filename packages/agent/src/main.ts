/*
 * What runs in a container: serves the pipe on its standard input and output until the end of input. Untrusted, and
 * without any credential. The helpers at 127.0.0.1:8400 (a model endpoint for other programs in the container) are
 * wired here when they come.
 */
import { createAgentApi } from './api/create-agent-api.ts';
import { claimStdio } from './claim-stdio.ts';
import { agentPaths } from './paths.ts';
import { servePipe } from './pipe/serve-pipe.ts';

const { input, output } = claimStdio();
const log = (error: unknown) => console.error(error);

const handle = createAgentApi({
  paths: agentPaths(process.env.OPENLEGION_DATA ?? '/data'),
  openDatabase: async (path) => (await import('./history/open-database.ts')).openDatabase(path),
  loadChatRoutes: async (agent, progress) =>
    (await import('./load-chat-routes.ts')).loadChatRoutes(agent, progress, pipe.mesh, log),
  log,
});
const pipe = servePipe({ input, output, handle });
process.on('unhandledRejection', log);
await pipe.closed;
process.exit(0);

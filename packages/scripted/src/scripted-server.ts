import { createServer, type Server } from 'node:http';
import { handleRequest } from './handle-request.ts';
import { createScriptStore } from './script-store.ts';

/**
 * The scripted model as a server that does not listen yet. It speaks OpenAI's two dialects, Anthropic's and
 * Google's; a model `NAME` is played from `NAME.yaml` in `scriptsDirectory`, as that file is at each request.
 * It takes no key and keeps no state between requests: the same request gets the same answer.
 */
export function createScriptedServer(options: { scriptsDirectory: string; now?: () => number }): Server {
  const scripts = createScriptStore(options.scriptsDirectory);
  const now = options.now ?? Date.now;
  return createServer({ keepAliveTimeout: 60_000, requestTimeout: 60_000 }, (request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    // Never rejects: what fails is answered inside, or has no one left to answer.
    void handleRequest({ request, response, scripts, now, signal: gone.signal });
  });
}

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** An OpenAI-compatible server on loopback that knows one key and one model, and can be down. */
export interface LocalProvider extends AsyncDisposable {
  port: number;
  /** How many calls it has answered with text. */
  answered(): number;
  goDown(): Promise<void>;
  comeUp(): Promise<void>;
}

export async function startLocalProvider(key: string, model: string): Promise<LocalProvider> {
  let answered = 0;
  const make = (): Server =>
    createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const fail = (status: number, message: string, code: string) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } }),
        );
      };
      const sent = request.headers.authorization ?? '';
      // Providers quote what they were sent.
      if (sent !== `Bearer ${key}`) return fail(401, `Incorrect API key: ${sent}`, 'invalid_api_key');
      if (!text.includes(`"model":"${model}"`))
        return fail(404, 'The model does not exist', 'model_not_found');
      answered += 1;
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: 0, model };
      const choice = (delta: object, finish: string | null) => [{ index: 0, delta, finish_reason: finish }];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of [
        { ...chunk, choices: choice({ role: 'assistant', content: 'Yes, I am here.' }, null) },
        { ...chunk, choices: choice({}, 'stop') },
        { ...chunk, choices: [], usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 } },
      ])
        response.write(`data: ${JSON.stringify(event)}\n\n`);
      response.end('data: [DONE]\n\n');
    });
  let server = make();
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return address.port;
  };
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const port = await listen(0);
  return {
    port,
    answered: () => answered,
    goDown: close,
    async comeUp() {
      server = make();
      await listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

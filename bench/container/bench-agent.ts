import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { claimStdio } from '../../packages/agent/src/claim-stdio.ts';
import type { HostRequest, MeshClient } from '../../packages/agent/src/pipe/pipe.ts';
import { servePipe } from '../../packages/agent/src/pipe/serve-pipe.ts';

/*
 * Takes the agent's place in a container and answers over the agent's own end of the pipe. With a path as its
 * argument it serves the same over HTTP/2 on a Unix socket there: the peer.
 *
 * POST /echo         the body back
 * GET  /bytes?n=     n bytes
 * POST /uploads      opens as many uploads to the mesh, of 64 MB each
 * POST /calls        {path, body, count, pauseMs}: makes model calls, answers {wholeMs[], firstMs[]}
 */
async function answer(request: Pick<HostRequest, 'path' | 'stream'>, mesh: MeshClient | null): Promise<void> {
  const { stream } = request;
  const url = new URL(request.path, 'http://agent');
  if (url.pathname === '/echo') {
    const body = await buffer(stream);
    stream.respond({ ':status': 200 });
    stream.end(body);
  } else if (url.pathname === '/bytes') {
    await sendBytes(stream, Number(url.searchParams.get('n')));
  } else if (url.pathname === '/uploads' && mesh) {
    const count = Number((await buffer(stream)).toString());
    const body = Buffer.alloc(64 * 1024 * 1024, 'u');
    for (let upload = 0; upload < count; upload += 1)
      // Never answered to its end: they last as long as the container.
      mesh.call({ method: 'POST', path: '/unread', body }).catch(() => {});
    stream.respond({ ':status': 200 });
    stream.end('{}');
  } else if (url.pathname === '/calls' && mesh) {
    const { path, body, count, pauseMs } = JSON.parse((await buffer(stream)).toString());
    const times = { wholeMs: [] as number[], firstMs: [] as number[] };
    for (let call = 0; call < count; call += 1) {
      const { wholeMs, firstMs } = await callModel(mesh, path, body);
      times.wholeMs.push(wholeMs);
      times.firstMs.push(firstMs);
      if (pauseMs > 0) await wait(pauseMs);
    }
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify(times));
  } else {
    stream.respond({ ':status': 200 });
    stream.end('{}');
  }
}

async function sendBytes(stream: ServerHttp2Stream, bytes: number): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, 'x');
  stream.respond({ ':status': 200 });
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!stream.write(piece)) await once(stream, 'drain');
  }
  stream.end();
}

async function callModel(mesh: MeshClient, path: string, body: string) {
  const startedAt = performance.now();
  const response = await mesh.call({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body,
  });
  let firstMs = 0;
  let text = '';
  response.body.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    // The first piece of the answer itself, not the headers or the opening of the stream.
    if (firstMs === 0 && /"content":"[^"]/.test(text)) firstMs = performance.now() - startedAt;
  });
  await once(response.body, 'close');
  if (response.status !== 200)
    throw new Error(`a model call was answered ${response.status}: ${text.slice(0, 300)}`);
  return { wholeMs: performance.now() - startedAt, firstMs };
}

const socketPath = process.argv.find((argument) => argument.endsWith('.sock'));
if (socketPath !== undefined) {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    void answer({ path: String(headers[':path']), stream }, null);
  });
  server.listen(socketPath);
}
const { input, output } = claimStdio();
const { mesh, closed } = servePipe({
  input,
  output,
  handle: (request) =>
    answer(request, mesh).catch((error: unknown) => {
      console.error(error); // The pipe says only that it failed.
      throw error;
    }),
});
await closed;
process.exit(0);

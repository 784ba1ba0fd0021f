import { once } from 'node:events';
import { createServer } from 'node:https';
import { selfSigned } from './self-signed.ts';

/** What reached the server, with which credential. */
export interface Echoed {
  host: string;
  path: string;
  authorization: string;
}

export interface EchoUpstream extends AsyncDisposable {
  port: number;
  certificatePem: string;
  readonly seen: readonly Echoed[];
}

/**
 * A TLS server on loopback that gives back what it was sent, as badly as a service can: in body, header, trailer,
 * base64. It stands for the world outside: nothing there is asked anything.
 */
export async function startEchoUpstream(names: readonly string[], now: Date): Promise<EchoUpstream> {
  const { keyPem, certificatePem } = selfSigned(names, now);
  const seen: Echoed[] = [];
  const server = createServer({ key: keyPem, cert: certificatePem }, (request, response) => {
    const { authorization = '' } = request.headers;
    seen.push({ host: request.headers.host ?? '', path: request.url ?? '', authorization });
    request.resume();
    response.writeHead(request.url === '/error' ? 401 : 200, {
      'content-type': 'text/plain',
      'x-echo': authorization,
      'www-authenticate': `Bearer error="${authorization}"`,
      trailer: 'x-echo-trailer',
    });
    for (const piece of authorization) response.write(piece);
    const encoded = Buffer.from(authorization).toString('base64');
    response.write(`\n${request.rawHeaders.join('\n')}\n${encoded}\n${encodeURIComponent(authorization)}\n`);
    response.addTrailers({ 'x-echo-trailer': authorization });
    response.end('echoed');
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    certificatePem,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

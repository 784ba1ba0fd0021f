/**
 * The floor: Node's own server and client of HTTP, nothing between them. No gateway of one Node process does more calls
 * a second than this. Prints its port; the provider's is its argument.
 */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const port = Number(process.argv[2]);

const server = createServer((asked, response) => {
  const headers = { ...asked.headers, host: 'provider' };
  const upstream = request({ port, method: 'POST', path: asked.url ?? '', headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  asked.pipe(upstream);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address() as AddressInfo;
  process.stdout.write(`${address.port}\n`);
});

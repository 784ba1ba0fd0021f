/**
 * The floor: Node's own server and client of HTTP, and one line that a second process answers before each call. Nothing
 * is read, decided or recorded. Prints its port; where the provider is, and who is asked, is its argument.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

interface Orders {
  provider: { port: number } | { socketPath: string };
  asks: { port: number };
}

const { provider, asks }: Orders = JSON.parse(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const asked = connect(asks.port, '127.0.0.1').setNoDelay(true);
const waiting: (() => void)[] = [];
asked.on('data', (answers: Buffer) => {
  for (const byte of answers) if (byte === 10) waiting.shift()?.();
});

function relay(call: IncomingMessage, response: ServerResponse): void {
  const headers = { ...call.headers, host: 'provider' };
  const path = call.url ?? '';
  const upstream = request({ ...provider, method: 'POST', path, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    // By hand: a pipe would cost more than all else here.
    answer.on('data', (chunk: Buffer) => response.write(chunk));
    answer.on('end', () => response.end());
  });
  upstream.on('error', () => response.destroy());
  call.on('data', (chunk: Buffer) => upstream.write(chunk));
  call.on('end', () => upstream.end());
}

const server = createServer((call, response) => {
  waiting.push(() => relay(call, response));
  asked.write('may it?\n');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address() as AddressInfo;
  process.stdout.write(`${address.port}\n`);
});

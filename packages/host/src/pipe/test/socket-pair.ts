import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';

/** Two connected Unix sockets: real back-pressure, and the end of one is the end of the other. */
export async function socketPair(): Promise<[Socket, Socket]> {
  const directory = await mkdtemp(`${tmpdir()}/openlegion-pair-`);
  const server = createServer();
  server.listen(`${directory}/s`);
  await once(server, 'listening');
  const left = connect(`${directory}/s`);
  const [right] = (await once(server, 'connection')) as [Socket];
  server.close();
  await rm(directory, { recursive: true });
  for (const socket of [left, right]) socket.on('error', () => {});
  return [left, right];
}

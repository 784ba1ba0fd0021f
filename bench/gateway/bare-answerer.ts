/** In the keeper's place where nothing is decided: each line is answered by one. Prints its port. */
import { type AddressInfo, createServer } from 'node:net';

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', (lines: Buffer) => {
    for (const byte of lines) if (byte === 10) socket.write('yes\n');
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address() as AddressInfo;
  process.stdout.write(`${address.port}\n`);
});

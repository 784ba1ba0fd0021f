import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import type { ResolveHost } from '../../../address/resolve-host.ts';
import { authorityCertificate, leafCertificate } from '../../../certificate/issue-certificate.ts';
import { createEgress, type Egress } from '../create-egress.ts';
import { createEgressClock, type EgressClock } from '../egress-clock.ts';
import { createFakeEgressKeeper, type FakeEgressKeeper } from './fake-egress-keeper.ts';

const { privateKey: rootKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const testRoot = {
  agent: 'test-root',
  key: createPrivateKey(rootKey.export({ type: 'pkcs8', format: 'pem' })),
};
/** The root that upstreams of tests are certified by. */
export const TEST_ROOT_PEM = authorityCertificate(testRoot);

/** A certificate of the test root for `host`, valid for a day from `at`. */
export function certify(host: string, at = Date.now()): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key, cert: leafCertificate(testRoot, host, publicKey, at) };
}

export interface Upstream extends AsyncDisposable {
  server: Server;
  port: number;
  /** TCP connections that came. */
  connections: Set<Socket>;
}

/** A server on loopback; with TLS unless `tls` is null. */
export async function startUpstream(
  listener: RequestListener,
  tls: { key: string; cert: string } | null = certify('up.test'),
): Promise<Upstream> {
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener);
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      server.close();
    },
  };
}

export interface TestEgress extends AsyncDisposable {
  egress: Egress;
  fake: FakeEgressKeeper;
  faults: unknown[];
  /** Of the loopback listener that stands for the helper in the container. */
  port: number;
  /** PEM that the agent trusts. */
  authority: string;
  configure(over: Partial<EgressSettings>): void;
  /** A raw connection to the proxy. */
  open(): Promise<Socket>;
  /** CONNECT and TLS with the agent's authority; `servername` null sends none. */
  tunnel(target: string, options?: { servername?: string | null }): Promise<TLSSocket>;
}

export interface TestEgressOptions {
  fake?: FakeEgressKeeper;
  resolve?: ResolveHost;
  clock?: EgressClock;
  /** Names pinned to a port on loopback. */
  pins?: Record<string, number>;
  settings?: Partial<EgressSettings>;
}

export async function startEgress(options: TestEgressOptions = {}): Promise<TestEgress> {
  const fake = options.fake ?? createFakeEgressKeeper();
  const faults: unknown[] = [];
  const egress = createEgress({
    keeper: fake.keeper,
    resolve: options.resolve ?? (async () => []),
    clock: options.clock ?? createEgressClock(),
    failed: (error) => faults.push(error),
  });
  const pins = Object.entries(options.pins ?? {});
  const configure = (over: Partial<EgressSettings>): void =>
    egress.configure({
      extraRootsPem: TEST_ROOT_PEM,
      hosts: pins.map(([host, port]) => ({ host, address: '127.0.0.1', port })),
      requestsPerMinute: 100_000,
      bytesPerMinute: 10_000_000_000,
      connections: 48,
      ...options.settings,
      ...over,
    });
  configure({});
  const listener = createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    egress.connect(socket, { agent: 'researcher', traceId: 'trace-1' }, Buffer.alloc(0)),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const authority = await egress.certificateOf('researcher');
  const opened = new Set<Socket>();
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    opened.add(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  return {
    egress,
    fake,
    faults,
    port,
    authority,
    configure,
    open,
    async tunnel(target, { servername = target.replace(/:\d+$/, '') } = {}) {
      const socket = await open();
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      const [head]: Buffer[] = await once(socket, 'data');
      if (!/^HTTP\/1\.1 200 /.test(String(head))) throw new Error(String(head));
      const tls = connectTls({
        socket,
        ca: authority,
        ALPNProtocols: ['http/1.1'],
        ...(servername === null ? {} : { servername }),
        checkServerIdentity: () => undefined,
      });
      tls.on('error', () => {});
      await once(tls, 'secureConnect');
      return tls;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of opened) socket.destroy();
      egress.close();
      listener.close();
    },
  };
}

/** Writes raw bytes and gathers everything until the connection closes, or until `enough` matches. */
export function exchange(socket: Socket, text: string, enough?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const take = (chunk: Buffer): void => {
      heard += chunk.toString('latin1');
      if (enough?.test(heard)) finish();
    };
    const finish = (): void => {
      socket.off('data', take);
      resolve(heard);
    };
    socket.on('data', take);
    socket.once('close', finish);
    socket.once('end', finish);
    if (socket.destroyed) finish();
    else socket.write(Buffer.from(text, 'latin1'));
  });
}

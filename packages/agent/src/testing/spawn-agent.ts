import { type ChildProcess, spawn } from 'node:child_process';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Stream } from 'node:http2';
import { text } from 'node:stream/consumers';
import { byteStream } from '../pipe/byte-stream.ts';
import type { SeenCall } from './fake-mesh.ts';

export interface SpawnedAgent {
  child: ChildProcess;
  request(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }>;
  calls: SeenCall[];
  /** Everything it wrote on standard error, once it has ended. */
  stderr: Promise<string>;
  exited: Promise<number | null>;
  /** Ends its input, as the host does. */
  end(): void;
}

/** The agent as a process of its own, as in a container, with a host of canned answers to what it asks of the mesh. */
export function spawnAgent(options: {
  main: string;
  data: string;
  mesh: (call: SeenCall, stream: ServerHttp2Stream) => void;
  /** The test's: a test that fails leaves no process behind. */
  signal: AbortSignal;
}): SpawnedAgent {
  const child = spawn(process.execPath, [options.main], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      OPENLEGION_DATA: options.data,
      OPENLEGION_TRUST: `${options.data}/trust`,
      OPENLEGION_PROXY_PORT: '0',
      OPENLEGION_MODEL_PORT: '0',
    },
  });
  options.signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  const bytes = byteStream(child.stdout, child.stdin);
  bytes.on('error', () => {});
  const outer = connect('http://agent', { createConnection: () => bytes });
  outer.on('error', () => {});
  const calls: SeenCall[] = [];
  serveMesh(outer, calls, options.mesh);
  return {
    child,
    calls,
    stderr: text(child.stderr),
    exited: new Promise((resolve) => child.once('exit', resolve)),
    end: () => {
      outer.destroy();
      child.stdin.end();
    },
    request: async (method, path, body) => {
      const stream = outer.request({ ':method': method, ':path': path });
      stream.end(body === undefined ? undefined : JSON.stringify(body));
      const answer = text(stream);
      answer.catch(() => {});
      const status = await new Promise<number>((resolve, reject) => {
        stream.once('response', (headers) => resolve(Number(headers[':status'])));
        stream.once('error', reject);
        stream.once('close', () => reject(new Error('closed without an answer')));
      });
      return { status, text: await answer };
    },
  };
}

function serveMesh(
  outer: ClientHttp2Session,
  calls: SeenCall[],
  mesh: (call: SeenCall, stream: ServerHttp2Stream) => void,
): void {
  const tunnel = outer.request({ ':method': 'CONNECT', ':authority': 'mesh' }, { endStream: false });
  tunnel.on('error', () => {});
  tunnel.once('response', () => {
    const server = createServer();
    server.on('sessionError', () => {});
    server.on('stream', async (stream, headers) => {
      stream.on('error', () => {});
      const body = await text(stream);
      const call = {
        method: String(headers[':method']),
        path: String(headers[':path']),
        headers: {},
        body: body === '' ? undefined : JSON.parse(body),
      };
      calls.push(call);
      mesh(call, stream);
    });
    server.emit('connection', tunnel);
  });
}

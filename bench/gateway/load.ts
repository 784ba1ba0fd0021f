/**
 * The load of the bench, a process of its own: as many connections as are asked for, each sending its next call when
 * the last is answered. Reads its orders as JSON from the command line and prints what came of them.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOrders {
  to: { port: number } | { path: string };
  target: string;
  headers: Record<string, string>;
  body: string;
  connections: number;
  /** Stops after so many calls, or after so long. */
  calls: number;
  seconds: number;
}

export interface LoadReport {
  calls: number;
  seconds: number;
  /** Milliseconds a call, the median and the 95th percentile. */
  medianMs: number;
  p95Ms: number;
}

function isOrders(value: unknown): value is LoadOrders {
  return typeof value === 'object' && value !== null && 'to' in value && 'body' in value;
}

const orders: unknown = JSON.parse(process.argv[2] ?? 'null');
if (!isOrders(orders)) throw new Error('no orders');
const { to, target, headers, body, connections, calls, seconds } = orders;
const request = Buffer.from(
  `POST ${target} HTTP/1.1\r\nhost: localhost\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);
const times: number[] = [];
const startedAt = performance.now();
let begun = 0;
await Promise.all(Array.from({ length: connections }, run));
const tookSeconds = (performance.now() - startedAt) / 1000;
times.sort((left, right) => left - right);
const report: LoadReport = {
  calls: times.length,
  seconds: tookSeconds,
  medianMs: times[Math.floor(times.length * 0.5)] ?? Number.NaN,
  p95Ms: times[Math.floor(times.length * 0.95)] ?? Number.NaN,
};
process.stdout.write(JSON.stringify(report));

function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = 'port' in to ? connect(to.port, '127.0.0.1') : connect(to.path);
    socket.setNoDelay(true);
    let held: Buffer = Buffer.alloc(0);
    let sentAt = 0;
    const next = (): void => {
      if (begun >= calls || performance.now() - startedAt > seconds * 1000) {
        socket.destroy();
        resolve();
        return;
      }
      begun += 1;
      held = Buffer.alloc(0);
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
    socket.on('data', (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      if (!isWhole(held)) return;
      if (held.toString('latin1', 9, 12) !== '200') {
        reject(new Error(held.toString('latin1', 0, 2000)));
        return;
      }
      times.push(performance.now() - sentAt);
      next();
    });
  });
}

/** One answer, by its length or to the end of its chunks and trailers. */
function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = answer.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return answer.length >= end + 4 + Number(length);
  return answer.indexOf('\r\n0\r\n', end) !== -1 && answer.subarray(-4).equals(Buffer.from('\r\n\r\n'));
}

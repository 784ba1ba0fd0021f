import { createSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { attempt, errorCode } from './error-code.ts';

const WAIT_MS = 1500;

/** What the kernel says of interfaces and routes, raw. */
export function readNetwork(): { devices: string; routes: string; routes6: string; resolver: string } {
  return {
    devices: text('/proc/net/dev'),
    routes: text('/proc/net/route'),
    routes6: text('/proc/net/ipv6_route'),
    resolver: text('/etc/resolv.conf'),
  };
}

function text(path: string): string {
  return attempt(() => readFileSync(path, 'utf8').slice(0, 16_384));
}

interface Target {
  host: string;
  port: number;
}

/** `connected`, `sent`, `answered`, `timeout` or the error's code, per target. */
export async function connectOut(args: { tcp: Target[]; udp: Target[]; names: string[] }): Promise<unknown> {
  const [tcp, udp, names] = await Promise.all([
    Promise.all(args.tcp.map(async (target) => ({ ...target, result: await tcpConnect(target) }))),
    Promise.all(args.udp.map(async (target) => ({ ...target, result: await udpSend(target) }))),
    Promise.all(args.names.map(async (name) => ({ name, result: await resolveName(name) }))),
  ]);
  return { tcp, udp, names };
}

function tcpConnect({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: WAIT_MS });
    const end = (result: string) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end('connected'));
    socket.on('timeout', () => end('timeout'));
    socket.on('error', (error) => end(errorCode(error)));
  });
}

function udpSend({ host, port }: Target): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const end = (result: string) => {
      socket.close();
      resolve(result);
    };
    socket.on('error', (error) => end(errorCode(error)));
    socket.send(Buffer.from('probe'), port, host, (error) => end(error ? errorCode(error) : 'sent'));
  });
}

async function resolveName(name: string): Promise<string> {
  const resolver = new Resolver({ timeout: WAIT_MS, tries: 1 });
  const results = await Promise.all([
    resolver.resolve4(name).then(() => 'answered', errorCode),
    lookup(name).then(() => 'answered', errorCode),
  ]);
  return results.includes('answered') ? 'answered' : results.join(' ');
}

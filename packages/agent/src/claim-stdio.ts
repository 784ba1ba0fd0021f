import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/**
 * Takes standard input and output for the pipe. From then on nothing else can reach standard output by accident:
 * `process.stdout` and `console` write to standard error. One stray byte on the wire would end the agent.
 *
 * Output goes through a socket of its own and not `process.stdout`, whose writes to a pipe are synchronous: a host
 * that does not read would stop the whole agent.
 */
export function claimStdio(): { input: Readable; output: Writable } {
  const output = new Socket({ fd: 1, readable: false, writable: true });
  Object.defineProperty(process, 'stdout', { configurable: true, get: () => process.stderr });
  return { input: process.stdin, output };
}

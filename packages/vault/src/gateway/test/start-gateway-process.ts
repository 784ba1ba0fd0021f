import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PartReport } from '@openlegion/contract/process-protocol';
import { socketPaths } from '../../process/socket-paths.ts';

export interface GatewayProcess extends AsyncDisposable {
  pid: number;
  report: PartReport;
  socketPath: string;
  /** Everything it printed. */
  output(): string;
  kill(): Promise<void>;
  /** Ends its lifeline. */
  stop(): Promise<number | NodeJS.Signals | null>;
}

/** The gateway's own program, started as the supervisor does it. */
export async function startGatewayProcess(
  run: string,
  settings: { uid?: number | null } = {},
): Promise<GatewayProcess> {
  const json = JSON.stringify({ run, uid: null, ...settings });
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), '--config-json', json], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let printed = '';
  let reported = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      printed += chunk;
    });
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  const fd3 = child.stdio[3];
  if (!fd3 || !('on' in fd3)) throw new Error('no fd 3');
  fd3.on('data', (chunk) => {
    reported += chunk;
  });
  await once(fd3, 'end');
  const stop = () => {
    child.stdin?.end();
    return exited;
  };
  return {
    pid: child.pid ?? 0,
    report: JSON.parse(reported || '{"ready":false,"message":"nothing","remedy":""}'),
    socketPath: socketPaths(run).gateway,
    output: () => printed,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

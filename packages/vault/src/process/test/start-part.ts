import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PartReport } from '@openlegion/contract/process-protocol';

export interface StartedPart {
  pid: number;
  report: PartReport;
  /** Everything it printed. */
  output(): string;
  exited: Promise<number | NodeJS.Signals | null>;
  kill(): Promise<void>;
  /** Ends its lifeline. */
  stop(): Promise<number | NodeJS.Signals | null>;
}

/** A program of the vault's as the supervisor starts it: its lifeline is standard input, it reports on descriptor 3. */
export async function startPart(
  program: string,
  settings: object,
  { flags = [], fds = [] }: { flags?: string[]; fds?: number[] } = {},
): Promise<StartedPart> {
  const child = spawn(process.execPath, [...flags, program, '--config-json', JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...fds],
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
  return {
    pid: child.pid ?? 0,
    report: JSON.parse(reported || '{"ready":false,"message":"nothing","remedy":""}'),
    output: () => printed,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop() {
      child.stdin?.end();
      return exited;
    },
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartReport } from '@openlegion/contract/process-protocol';
import { socketPaths } from '../../process/socket-paths.ts';

export interface StartOptions {
  /** Holds `keeper/`, `run/` and the key file; made and removed by the caller when given. */
  home?: string;
  key?: Buffer;
  uid?: number | null;
  gatewayUid?: number | null;
  run?: string;
}

export interface StartedKeeper extends AsyncDisposable {
  home: string;
  pid: number;
  paths: ReturnType<typeof socketPaths>;
  report: PartReport;
  /** Everything it printed, and its report. */
  output(): string;
  exited: Promise<number | NodeJS.Signals | null>;
  kill(): Promise<void>;
  /** Ends its lifeline. */
  stop(): Promise<void>;
}

export const TEST_KEY = Buffer.alloc(32, 7);

/** A real keeper process, started as the supervisor does it. */
export async function startKeeper(options: StartOptions = {}): Promise<StartedKeeper> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'keeper-'));
  const run = options.run ?? home;
  const keyPath = join(home, 'vault.key');
  writeFileSync(keyPath, options.key ?? TEST_KEY, { mode: 0o600 });
  const keyFd = openSync(keyPath, 'r');
  const settings = {
    keeperDirectory: join(home, 'keeper'),
    run,
    uid: options.uid ?? null,
    gatewayUid: options.gatewayUid ?? null,
  };
  const child = spawn(
    process.execPath,
    ['--disable-sigusr1', join(import.meta.dirname, '../main.ts'), '--config-json', JSON.stringify(settings)],
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe', keyFd], env: { PATH: process.env.PATH } },
  );
  closeSync(keyFd);
  let printed = '';
  let reported = '';
  child.stdout?.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    printed += chunk;
  });
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  const fd3 = child.stdio[3];
  if (!fd3 || !('on' in fd3)) throw new Error('no fd 3');
  fd3.on('data', (chunk) => {
    reported += chunk;
  });
  await once(fd3, 'end');
  const stop = async () => {
    child.stdin?.end();
    await exited;
  };
  return {
    home,
    pid: child.pid ?? 0,
    paths: socketPaths(run),
    report: JSON.parse(reported || '{"ready":false,"message":"nothing","remedy":""}'),
    output: () => printed + reported,
    exited,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (!options.home) rmSync(home, { recursive: true, force: true });
    },
  };
}

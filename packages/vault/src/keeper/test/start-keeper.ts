import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketPaths } from '../../process/socket-paths.ts';
import { type StartedPart, startPart } from '../../process/test/start-part.ts';

export interface StartOptions {
  /** Holds `keeper/`, `run/` and the key file; made and removed by the caller when given. */
  home?: string;
  key?: Buffer;
  uid?: number | null;
  gatewayUid?: number | null;
  run?: string;
}

export interface StartedKeeper extends StartedPart, AsyncDisposable {
  home: string;
  paths: ReturnType<typeof socketPaths>;
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
  const started = startPart(join(import.meta.dirname, '../main.ts'), settings, {
    flags: ['--disable-sigusr1'],
    fds: [keyFd],
  });
  closeSync(keyFd);
  const part = await started;
  return {
    ...part,
    home,
    /** Its report too. */
    output: () => part.output() + JSON.stringify(part.report),
    paths: socketPaths(run),
    async [Symbol.asyncDispose]() {
      await part.stop();
      if (!options.home) rmSync(home, { recursive: true, force: true });
    },
  };
}

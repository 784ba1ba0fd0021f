/** The real supervisor over two fake parts: for tests of locks, lifelines and restarts. Arguments: HOME RECORD. */
import { writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { runSupervisor } from '../../src/supervisor/run-supervisor.ts';

const [home = '', record = ''] = process.argv.slice(2);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
const code = await runSupervisor({
  settings: { home, sandbox: false, port: null, lifeline: false },
  environment: process.env,
  uid: process.getuid?.() ?? 0,
  stop: stop.signal,
  afterReady: async () => {},
  report: (line) => writeSync(1, `${JSON.stringify(line)}\n`),
  partsOf: () =>
    (['keeper', 'host'] as const).map((name) => ({
      name,
      program: resolve(import.meta.dirname, 'part.ts'),
      nodeFlags: [],
      settings: { record, name },
      environment: { PATH: '/usr/bin' },
      readyTimeoutMs: 20_000,
      stopTimeoutMs: 20_000,
    })),
});
process.exit(code);

import * as judge from './judge-limits.ts';
import * as seen from './observations.ts';
import { openProbe, PROBE_LIMITS, startProbe, within } from './probe-session.ts';
import type { VerifyStep } from './verify.ts';

const MEBIBYTE = 1024 * 1024;
const WAIT_MS = 15_000;
const SPIN_MS = 1500;
/** Sizes of the throw-away sandbox's own file systems (container-spec.ts), and a little for how they count. */
const SPACES: ReadonlyMap<string, number> = new Map(
  ['/data', '/tmp', '/dev/shm'].map((path) => [path, 65 * MEBIBYTE]),
);
const MOST_BYTES = 256 * MEBIBYTE;

/** Bombs, each in a sandbox of its own where it may take the whole of it along. */
export async function verifyLimits(step: VerifyStep): Promise<void> {
  const { options, check, declared } = step;
  options.onProgress?.('fork, disk and file bombs');
  await check(['limits.processes', 'limits.disk', 'limits.open-files'], async () => {
    await using probe = await openProbe(options);
    const files = judge.judgeOpenFiles(await probe.ask('fd-bomb', { most: 1_000_000 }, seen.FilesOpened));
    const spaces = { directories: [...SPACES.keys()], most: MOST_BYTES };
    const disk = judge.judgeDisk(
      await probe.ask('disk-bomb', spaces, seen.DiskFilled),
      SPACES,
      declared('disk_quota'),
    );
    const forks = await probe.ask('fork-bomb', { most: PROBE_LIMITS.pids + 64 }, seen.Forks);
    return [judge.judgeForks(forks, PROBE_LIMITS.pids, declared('pids_limit')), disk, files];
  });
  options.onProgress?.('memory bomb');
  await check('limits.memory', async () => {
    await using probe = await openProbe(options);
    const megabytes = (PROBE_LIMITS.memoryBytes / MEBIBYTE) * 2;
    const taken = await probe.ask('memory-bomb', { megabytes }, seen.MemoryTaken).catch(() => null);
    const exit = taken ? null : await within(probe.sandbox.exited, WAIT_MS);
    return judge.judgeMemory({ taken, exit }, PROBE_LIMITS.memoryBytes, declared('memory_limit'));
  });
  options.onProgress?.('busy program, flood of errors, a program that does not end');
  await check('limits.processor', async () => {
    await using probe = await openProbe(options);
    await probe.sandbox.clamp();
    const spun = await probe.ask('spin', { forMs: SPIN_MS }, seen.Spun);
    const missing = declared('cpu_limit') ?? declared('cpu_clamp_after_start');
    return judge.judgeProcessor(spun, PROBE_LIMITS.cpus, missing);
  });
  await check('limits.standard-error', async () => {
    const sandbox = await startProbe(options, 'stderr-flood');
    try {
      return judge.judgeStderr(await within(sandbox.exited, WAIT_MS));
    } finally {
      await sandbox.stop(0);
    }
  });
  await check('limits.end', async () => {
    const sandbox = await startProbe(options, 'ignore-eof');
    const stopped = sandbox.stop(200);
    stopped.catch(() => {});
    return judge.judgeEnd(await within(sandbox.exited, WAIT_MS));
  });
}

import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Test files: `container` those that need an engine, `process` those about whole processes, `unit` all others. */
function testFiles(wanted: 'unit' | 'process' | 'container'): string[] {
  const found = globSync(['packages/*/{src,probe,test}/**/*.test.ts', '{scripts,test}/**/*.test.ts'], {
    exclude: (path) => path.includes('node_modules'),
  });
  const kindOf = (file: string) => /\.(container|process)\.test\.ts$/.exec(file)?.[1] ?? 'unit';
  return found.filter((file) => kindOf(file) === wanted).sort();
}

/** A test that runs longer than this hangs. The crash tests kill a host with real containers a hundred times. */
const LONGEST_MS = { unit: 120_000, process: 120_000, container: 600_000 };
/** Compiled code of the sources, shared by all the test processes. */
const COMPILED = join(import.meta.dirname, '../node_modules/.cache/compiled-tests');
const NONE: TestCounts = { passed: 0, failed: 0, skipped: 0 };

/**
 * Unit tests of a package share a process, two packages at a time: starting one for each file takes longer than its
 * tests do.
 */
export async function runUnitTests(): Promise<TestCounts> {
  const packages = Map.groupBy(testFiles('unit'), (file) => /^packages.[^/\\]+|^[^/\\]+/.exec(file)?.[0]);
  const waiting = [...packages.values()].sort((one, other) => other.length - one.length);
  const inTurn = async () => {
    let counts = NONE;
    for (let files = waiting.shift(); files; files = waiting.shift())
      counts = sumOf(counts, await runFiles('unit', files, ['--test-isolation=none']));
    return counts;
  };
  return sumOf(...(await Promise.all([inTurn(), inTurn()])));
}

/** Each file of these has a process of its own. */
export const runTests = (kind: 'process' | 'container', atATime: number): Promise<TestCounts> =>
  runFiles(kind, testFiles(kind), [`--test-concurrency=${atATime}`]);

/**
 * Runs the files under node's test runner and counts. A runner that dies without counting is one failure, so that
 * nothing that did not run can pass; a test that never ends, or a process that leaves something open, is one too.
 */
async function runFiles(
  kind: keyof typeof LONGEST_MS,
  files: string[],
  options: string[],
): Promise<TestCounts> {
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-tests-'));
  const counted = join(directory, 'counts.json');
  const reporters = [
    ...['--test-reporter=./scripts/dot-reporter.ts', '--test-reporter-destination=stdout'],
    ...['--test-reporter=./scripts/count-reporter.ts', `--test-reporter-destination=${counted}`],
  ];
  const bounds = ['--import', './scripts/left-open.ts', `--test-timeout=${LONGEST_MS[kind]}`];
  const child = spawn(process.execPath, ['--test', ...bounds, ...options, ...reporters, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: COMPILED },
  });
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  const counts = readCounts(counted);
  rmSync(directory, { recursive: true, force: true });
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

export const sumOf = (...all: TestCounts[]): TestCounts =>
  all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
    }),
    NONE,
  );

function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

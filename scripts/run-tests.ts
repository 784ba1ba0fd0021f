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
export function testFiles(wanted: 'unit' | 'process' | 'container'): string[] {
  const found = globSync(['packages/*/{src,probe,test}/**/*.test.ts', '{scripts,test}/**/*.test.ts'], {
    exclude: (path) => path.includes('node_modules'),
  });
  const kindOf = (file: string) => /\.(container|process)\.test\.ts$/.exec(file)?.[1] ?? 'unit';
  return found.filter((file) => kindOf(file) === wanted).sort();
}

/** A test that runs longer than this hangs. The crash tests kill a host with real containers a hundred times. */
const LONGEST_MS = { process: 120_000, container: 600_000 };
/** Compiled code of the sources, shared by all the test processes. */
const COMPILED = join(import.meta.dirname, '../node_modules/.cache/compiled-tests');

/**
 * Runs the files under node's test runner and counts. A runner that dies without counting is one failure, so that
 * nothing that did not run can pass; a test that never ends, or a file that leaves something open, is one too.
 */
export async function runTests(
  files: string[],
  concurrency: number,
  longest: keyof typeof LONGEST_MS,
): Promise<TestCounts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-tests-'));
  const counted = join(directory, 'counts.json');
  const reporters = [
    `--test-reporter=${process.env.CI ? './scripts/dot-reporter.ts' : 'spec'}`,
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${counted}`,
  ];
  const bounds = [
    ...['--import', './scripts/left-open.ts', '--test'],
    ...[`--test-concurrency=${concurrency}`, `--test-timeout=${LONGEST_MS[longest]}`],
  ];
  const child = spawn(process.execPath, [...bounds, ...reporters, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_COMPILE_CACHE: COMPILED },
  });
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
  const counts = readCounts(counted);
  rmSync(directory, { recursive: true, force: true });
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

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

/**
 * Runs the files under node's test runner and counts. A runner that dies without counting is one failure, so that
 * nothing that did not run can pass.
 */
export async function runTests(files: string[], concurrency: number): Promise<TestCounts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const directory = mkdtempSync(join(tmpdir(), 'openlegion-tests-'));
  const counted = join(directory, 'counts.json');
  const reporters = [
    `--test-reporter=${process.env.CI ? 'dot' : 'spec'}`,
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${counted}`,
  ];
  const child = spawn(
    process.execPath,
    ['--test', `--test-concurrency=${concurrency}`, ...reporters, ...files],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    },
  );
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

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';

const LAUNCHER = resolve(import.meta.dirname, '../../../openlegion');

/** A clone of nothing but the launcher, and a PATH of nothing but what the test puts there. */
function setUp(context: TestContext) {
  const clone = mkdtempSync(join(tmpdir(), 'openlegion-clone-'));
  context.after(() => rmSync(clone, { recursive: true, force: true }));
  copyFileSync(LAUNCHER, join(clone, 'openlegion'));
  const bin = join(clone, 'path');
  mkdirSync(bin);
  for (const tool of ['dirname', 'readlink', 'mktemp', 'tail', 'sed', 'grep', 'rm', 'mkdir', 'cat']) {
    const found = ['/usr/bin', '/bin'].map((directory) => join(directory, tool));
    symlinkSync(found[0] ?? '', join(bin, tool));
  }
  const program = (path: string, text: string) => {
    mkdirSync(resolve(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  return {
    clone,
    program,
    inPath: (name: string, text: string) => program(join(bin, name), text),
    run: (args: readonly string[] = [], environment: Record<string, string> = {}) => {
      const result = spawnSync('/bin/sh', [join(clone, 'openlegion'), ...args], {
        env: { PATH: bin, TMPDIR: clone, ...environment },
        encoding: 'utf8',
        cwd: '/',
      });
      return { code: result.status, out: result.stdout, err: result.stderr };
    },
  };
}

test('without npm it says what to install', (context) => {
  const { run } = setUp(context);
  const result = run();
  assert.equal(result.code, 1);
  assert.match(result.err, /npm is not installed[\s\S]*apt-get install nodejs npm/);
});

test('a registry that cannot be reached is named as that, with the log', (context) => {
  const { run, inPath } = setUp(context);
  inPath('npm', 'echo "npm error code ENOTFOUND"; exit 1');
  const result = run();
  assert.equal(result.code, 1);
  assert.match(
    result.err,
    /failed\.\n {2}\| npm error code ENOTFOUND\nopenlegion: the package registry cannot be reached/,
  );
});

test('packages are fetched once, without their scripts, and the pinned Node runs the command', (context) => {
  const { clone, run, inPath, program } = setUp(context);
  inPath(
    'npm',
    `echo "$@" >> ${clone}/npm-calls; mkdir -p ${clone}/node_modules/.bin; : > ${clone}/node_modules/.package-lock.json`,
  );
  inPath('node', 'echo v20.19.0');
  assert.match(run().err, /no Node 24\.15 or newer was found/);
  program(
    join(clone, 'node_modules/.bin/node'),
    'if [ "$1" = --version ]; then echo v24.21.0; else echo "$NODE_OPTIONS|$(ulimit -c)|$*"; fi',
  );
  const result = run(['chat', 'a b', '--env-file', 'x'], { NODE_OPTIONS: '--inspect' });
  assert.equal(result.code, 0);
  assert.match(result.out, /^\|0\|-- .*packages\/cli\/src\/main\.ts chat a b --env-file x\n$/);
  const calls = spawnSync('/bin/cat', [join(clone, 'npm-calls')], { encoding: 'utf8' }).stdout;
  assert.match(calls, /^ci --ignore-scripts [^\n]*\n$/);
});

test('a Node that is too old is passed over, one of a later line is taken', (context) => {
  const { clone, run, inPath, program } = setUp(context);
  program(join(clone, 'node_modules/.package-lock.json'), '');
  inPath('node', 'if [ "$1" = --version ]; then echo v24.14.9; else echo ran; fi');
  assert.equal(run().code, 1);
  inPath('node', 'if [ "$1" = --version ]; then echo v26.1.0; else echo ran; fi');
  assert.equal(run().out, 'ran\n');
});

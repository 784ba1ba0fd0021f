import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const VAULT = join(import.meta.dirname, '../packages/vault/src');

/** Lines that are neither blank nor comment. */
function codeLines(file: string): number {
  let inComment = false;
  let lines = 0;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const text = line.trim();
    const isComment: boolean = inComment || text.startsWith('//') || text.startsWith('/*');
    if (!isComment && text !== '') lines += 1;
    inComment = isComment && !text.startsWith('//') && !text.endsWith('*/');
  }
  return lines;
}

function linesOf(folder: string): number {
  return readdirSync(join(VAULT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !`/${file}`.includes('/test/'))
    .reduce((sum, file) => sum + codeLines(join(VAULT, folder, file)), 0);
}

const HOOK = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  const found = next(specifier, context);
  process._rawDebug('LOADED ' + found.url);
  return found;
} });`;

/** What a program really loads: it is run, without arguments, so that it ends when everything is imported. */
function modulesOf(program: string): string[] {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const run = spawnSync(process.execPath, ['--import', hook, join(VAULT, program)], {
    encoding: 'utf8',
    env: {},
    timeout: 30_000,
  });
  return run.stderr.split('\n').flatMap((line) => /^LOADED (.*)$/.exec(line)?.[1] ?? []);
}

test('the keeper is under 1,000 lines', () => {
  const lines = linesOf('keeper');
  assert.ok(lines > 500 && lines < 1000, `${lines}`);
});

test('the gateway is under 2,500 lines', () => {
  const lines = linesOf('gateway');
  assert.ok(lines > 1000 && lines < 2500, `${lines}`);
});

test('what they stand on is bounded too: moving lines out of them is no way to make them smaller', () => {
  for (const [program, most] of [
    ['keeper/main.ts', 3100],
    ['gateway/main.ts', 4200],
  ] as const) {
    const files = [...new Set(modulesOf(program))].filter((url) => /^file:.*\.ts$/.test(url));
    const lines = files.reduce((sum, url) => sum + codeLines(fileURLToPath(url)), 0);
    assert.ok(
      files.length > 30 && lines > 2000 && lines < most,
      `${program}: ${lines} in ${files.length} files`,
    );
  }
});

test('the processes of the vault load their own files and the core of Node, nothing else', () => {
  const own = new Map([
    ['keeper/main.ts', ['keeper/', 'process/']],
    [
      'gateway/main.ts',
      ['gateway/', 'process/', 'address/', 'catalog/', 'certificate/', 'dialects/', 'scrub/'],
    ],
    ['admin/main.ts', ['admin/', 'presets/', 'process/', 'catalog/']],
  ]);
  for (const [program, folders] of own) {
    const loaded = modulesOf(program);
    assert.ok(loaded.length > 15, `${program}: the graph was read`);
    const foreign = loaded.filter((url) => {
      if (url.startsWith('node:') || url.startsWith('data:')) return false;
      return !folders.some((folder) => url.startsWith(`file://${VAULT}/${folder}`));
    });
    assert.deepEqual(foreign, [], program);
  }
});

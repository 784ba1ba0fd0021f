import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * A package boundary is a trust boundary. `packages` are those that a package may import (beside Node's core and
 * its own files); `libraries` true allows what its package.json declares.
 */
const WALLS: Record<string, { packages: string[]; typesOnly?: boolean; libraries: boolean }> = {
  contract: { packages: [], libraries: true },
  vault: { packages: ['contract'], typesOnly: true, libraries: false },
  host: { packages: ['contract'], libraries: true },
  agent: { packages: ['contract'], libraries: true },
  scripted: { packages: ['contract'], libraries: true },
  channels: { packages: ['contract'], libraries: true },
  dashboard: { packages: ['contract'], libraries: true },
  cli: { packages: ['contract'], libraries: true },
};

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const IMPORT =
  /(?:^|[;\s])(import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|require\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** Why `specifier`, imported by `file` of `owner`, may not be imported; null when it may. */
export function violation(
  owner: string,
  file: string,
  specifier: string,
  typeOnly: boolean,
  declared: string[],
): string | null {
  const wall = WALLS[owner];
  if (!wall) return `packages/${owner} has no wall of its own`;
  if (specifier.startsWith('node:')) return null;
  if (specifier.startsWith('.')) {
    const target = relative(resolve(ROOT, 'packages', owner), resolve(dirname(file), specifier));
    return target.startsWith('..') ? `a relative path out of packages/${owner}` : null;
  }
  const own = /^@openlegion\/([^/]+)/.exec(specifier)?.[1];
  if (own) {
    if (!wall.packages.includes(own)) return `${owner} may not import ${own}`;
    if (wall.typesOnly && !typeOnly) return `${owner} may import only types of ${own}`;
    return null;
  }
  const library = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (!wall.libraries) return `${owner} takes no third-party package`;
  return declared.includes(library) ? null : `${library} is not in the dependencies of packages/${owner}`;
}

/** Tests may reach for development tools; what runs may not. */
const DEVELOPMENT = ['fast-check'];

function* importsOf(owner: string) {
  const manifest = JSON.parse(readFileSync(resolve(ROOT, 'packages', owner, 'package.json'), 'utf8'));
  const declared = Object.keys(manifest.dependencies ?? {});
  for (const entry of readdirSync(resolve(ROOT, 'packages', owner), {
    recursive: true,
    withFileTypes: true,
  })) {
    if (!entry.isFile() || !/\.(ts|js|mjs)$/.test(entry.name) || entry.parentPath.includes('node_modules'))
      continue;
    const file = resolve(entry.parentPath, entry.name);
    const isTest = entry.name.endsWith('.test.ts') || file.includes('/test/');
    for (const match of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const specifier = match[3] ?? match[4] ?? match[5] ?? '';
      yield {
        file,
        specifier,
        typeOnly: match[2] !== undefined,
        isTest,
        declared: isTest ? [...declared, ...DEVELOPMENT] : declared,
      };
    }
  }
}

test('no import crosses a package wall', () => {
  const found: string[] = [];
  let seen = 0;
  for (const owner of readdirSync(resolve(ROOT, 'packages'))) {
    for (const { file, specifier, typeOnly, isTest, declared } of importsOf(owner)) {
      seen += 1;
      // A test of the vault holds its hand-written parsers to the contract's schemas.
      if (
        isTest &&
        owner === 'vault' &&
        (DEVELOPMENT.includes(specifier) || specifier.startsWith('@openlegion/contract/'))
      )
        continue;
      const why = violation(owner, file, specifier, typeOnly, declared);
      if (why) found.push(`${relative(ROOT, file)}: ${specifier}: ${why}`);
    }
  }
  assert.ok(seen > 50, `only ${seen} imports were read: the search is broken`);
  assert.deepEqual(found, []);
});

test('the wall stands: forbidden imports are found', () => {
  const at = (owner: string) => resolve(ROOT, 'packages', owner, 'src/x.ts');
  const refused: [string, string, boolean][] = [
    ['vault', 'zod', false],
    ['vault', '@openlegion/contract/money', false],
    ['agent', '@openlegion/vault/keeper', false],
    ['agent', '../../vault/src/keeper/main.ts', false],
    ['host', '../../vault/src/keeper/store.ts', true],
    ['cli', '@openlegion/host/main', true],
    ['contract', '@openlegion/host/main', true],
    ['host', 'left-pad', false],
  ];
  for (const [owner, specifier, typeOnly] of refused) {
    assert.notEqual(
      violation(owner, at(owner), specifier, typeOnly, ['zod']),
      null,
      `${owner} ← ${specifier}`,
    );
  }
  assert.equal(violation('vault', at('vault'), '@openlegion/contract/money', true, []), null);
  assert.equal(violation('host', at('host'), './pipe/pipe.ts', false, []), null);
});

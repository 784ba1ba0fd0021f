import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readEnvCredentials, removeFromEnvFile } from './env-file.ts';

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'env-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

const FILE = `# keys
PATH_LIKE="a b"
OPENLEGION_SYSTEM_A=plain # comment
export OPENLEGION_CRED_B="quoted value"
  OPENLEGION_SYSTEM_C = 'single'
OPENLEGION_SYSTEM_EMPTY=
#OPENLEGION_SYSTEM_OFF=x
NOT_OPENLEGION_SYSTEM_D=x
OPENLEGION_LOG_FORMAT=json
`;

test('credentials are found in every way a .env file writes them, and nothing else is', (t) => {
  const path = join(temporary(t), '.env');
  writeFileSync(path, FILE);
  assert.deepEqual(readEnvCredentials(path), [
    { name: 'OPENLEGION_SYSTEM_A', value: 'plain' },
    { name: 'OPENLEGION_CRED_B', value: 'quoted value' },
    { name: 'OPENLEGION_SYSTEM_C', value: 'single' },
  ]);
  assert.deepEqual(readEnvCredentials(`${path}.missing`), []);
});

test('removing one keeps every other byte, the mode and a link, and leaves no copy', (t) => {
  const directory = temporary(t);
  const path = join(directory, 'real.env');
  writeFileSync(path, FILE);
  chmodSync(path, 0o640);
  symlinkSync(path, join(directory, '.env'));
  removeFromEnvFile(join(directory, '.env'), 'OPENLEGION_CRED_B');
  assert.equal(readFileSync(path, 'utf8'), FILE.replace('export OPENLEGION_CRED_B="quoted value"\n', ''));
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.ok(lstatSync(join(directory, '.env')).isSymbolicLink());
  assert.deepEqual(readdirSync(directory).sort(), ['.env', 'real.env']);
});

test('a file without it is not touched', (t) => {
  const path = join(temporary(t), '.env');
  writeFileSync(path, FILE);
  const before = statSync(path).ino;
  removeFromEnvFile(path, 'OPENLEGION_SYSTEM_ZZ');
  assert.equal(statSync(path).ino, before);
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { prepareRunDirectory, runDirectoryPath } from './run-directory.ts';
import { ensureVaultKeyFile } from './vault-key-file.ts';
import { chooseVaultUsers } from './vault-users.ts';

const UID = process.getuid?.() ?? 0;

function temporary(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'openlegion-run-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('the run directory is short, outside of the home, and its own for each home', (context) => {
  const [one, two] = [temporary(context), temporary(context)];
  assert.match(runDirectoryPath(one, 0, undefined), /^\/run\/openlegion-[0-9a-f]{8}$/);
  assert.match(runDirectoryPath(one, 1000, undefined), /^\/tmp\/openlegion-1000-[0-9a-f]{8}$/);
  assert.match(runDirectoryPath(one, 1000, '/run/user/1000'), /^\/run\/user\/1000\/openlegion-[0-9a-f]{8}$/);
  assert.match(runDirectoryPath(one, 1000, `/${'x'.repeat(90)}`), /^\/tmp\//);
  assert.notEqual(runDirectoryPath(one, 0, undefined), runDirectoryPath(two, 0, undefined));
});

test('a run directory that someone else made first, or a link, is refused', (context) => {
  const directory = temporary(context);
  const link = join(directory, 'link');
  symlinkSync(directory, link);
  assert.throws(() => prepareRunDirectory(link, UID), /not a directory of yours/);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  assert.throws(() => prepareRunDirectory(file, UID), /not a directory of yours/);
  const others = join(directory, 'others');
  mkdirSync(others);
  assert.throws(() => prepareRunDirectory(others, UID + 1), /not a directory of yours/);
});

test('a run directory that cannot be made is told, with what to look at', () => {
  assert.throws(() => prepareRunDirectory('/nonexistent/openlegion-0', process.getuid?.() ?? 0), {
    rule: 'run.directory',
    message: /ENOENT/,
  });
});

test('it is closed to others, also when it was left open; what a crash left in it is removed', (context) => {
  const path = join(temporary(context), 'run');
  mkdirSync(path, { mode: 0o777 });
  writeFileSync(join(path, 'gateway.sock'), '');
  prepareRunDirectory(path, UID);
  assert.equal(statSync(path).mode & 0o066, 0);
  assert.throws(() => statSync(join(path, 'gateway.sock')), /ENOENT/);
});

test('a key file that others can read, or that is a link, is refused; a lost one is not replaced', (context) => {
  const directory = temporary(context);
  const path = join(directory, 'vault.key');
  ensureVaultKeyFile(path, UID, false);
  assert.equal(statSync(path).size, 32);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  ensureVaultKeyFile(path, UID, true);
  const open = join(directory, 'open.key');
  writeFileSync(open, Buffer.alloc(32), { mode: 0o644 });
  assert.throws(() => ensureVaultKeyFile(open, UID, false), /no one else can read/);
  const link = join(directory, 'link.key');
  symlinkSync(path, link);
  assert.throws(() => ensureVaultKeyFile(link, UID, false), /no one else can read/);
  assert.throws(() => ensureVaultKeyFile(join(directory, 'gone.key'), UID, true), /is gone/);
});

test("the vault's users are never accounts of the machine", () => {
  assert.deepEqual(chooseVaultUsers('root:x:0:0::/root:/bin/sh\n'), {
    keeperUid: 64_101,
    gatewayUid: 64_102,
  });
  assert.deepEqual(chooseVaultUsers('x:x:64102:1::/:/bin/sh\n'), { keeperUid: 64_103, gatewayUid: 64_104 });
  const all = Array.from({ length: 100 }, (_, index) => `u:x:${64_100 + index}:1::/:/bin/sh`).join('\n');
  assert.equal(chooseVaultUsers(all), null);
});

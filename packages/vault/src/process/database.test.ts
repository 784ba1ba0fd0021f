import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryDirectory } from '../keeper/test/open-keeper.ts';
import { openDatabase } from './database.ts';

const FIRST = 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);';
const open = (directory: string, ...migrations: string[]) =>
  openDatabase({
    directory,
    uid: null,
    migrations,
    now: () => 42,
    touch: 'UPDATE a SET x = x + 1',
    later: () => {},
  });

test('migrations that are missing run in order, after a copy of what was there', () => {
  using directory = temporaryDirectory();
  open(directory.path, FIRST).close();
  const database = open(
    directory.path,
    FIRST,
    'UPDATE a SET x = x + 1',
    'ALTER TABLE a ADD COLUMN y INTEGER',
  );
  assert.deepEqual({ ...database.get('SELECT * FROM a') }, { x: 2, y: null });
  database.close();
  const backups = readdirSync(directory.path).filter((file) => file.includes('before'));
  assert.deepEqual(backups, ['vault.db.before-2-42', 'vault.db.before-3-42']);
  const copy = new DatabaseSync(join(directory.path, 'vault.db.before-2-42'));
  assert.equal(copy.prepare('SELECT x FROM a').get()?.x, 1);
  copy.close();
});

test('a migration that fails changes nothing', () => {
  using directory = temporaryDirectory();
  open(directory.path, FIRST).close();
  assert.throws(() => open(directory.path, FIRST, 'UPDATE a SET x = 9; SELECT nonsense'));
  const database = open(directory.path, FIRST);
  assert.equal(database.get('SELECT x FROM a')?.x, 1);
  database.close();
});

test('a database of a newer version, or none at all, is refused with a remedy', () => {
  using newer = temporaryDirectory();
  open(newer.path, FIRST, 'SELECT 1').close();
  assert.throws(() => open(newer.path, FIRST), { code: 'internal', message: /newer version/ });
  using garbage = temporaryDirectory();
  mkdirSync(garbage.path);
  writeFileSync(join(garbage.path, 'vault.db'), 'x'.repeat(8192));
  assert.throws(() => open(garbage.path, FIRST), { code: 'internal', message: /not a database/ });
});

test('it is opened by one at a time, in a private directory, and through no link', () => {
  using directory = temporaryDirectory();
  const database = open(directory.path, FIRST);
  assert.throws(() => open(directory.path, FIRST), { code: 'conflict' });
  assert.equal(statSync(directory.path).mode & 0o777, 0o700);
  assert.equal(
    readdirSync(directory.path).some((file) => file.endsWith('-shm')),
    false,
    'no shared memory',
  );
  database.close();
  symlinkSync('/etc/hostname', join(directory.path, 'x'));
  assert.throws(() => open(directory.path, FIRST), { code: 'internal', message: /plain file/ });
  const link = join(dirname(directory.path), 'link');
  symlinkSync(dirname(directory.path), link);
  assert.throws(() => open(link, FIRST), { code: 'internal', message: /not a directory/ });
});

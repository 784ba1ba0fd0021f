import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { openDatabase } from './database.ts';
import { integerOf } from './row.ts';

const directory = mkdtempSync(`${tmpdir()}/openlegion-store-`);
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const fresh = () => join(directory, `${++files}.db`);
const ONE = ['CREATE TABLE item (n INTEGER NOT NULL) STRICT'];

test('what is written is on disk when the promise resolves, and a work that throws undoes only itself', async () => {
  const path = fresh();
  const database = openDatabase({ path, migrations: ONE });
  const results = await Promise.allSettled([
    database.write((transaction) => transaction.run('INSERT INTO item VALUES (1)')),
    database.write((transaction) => {
      transaction.run('INSERT INTO item VALUES (2)');
      throw new Error('mine');
    }),
    database.write((transaction) => transaction.run('INSERT INTO item VALUES (3)')),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const reader = new DatabaseSync(path, { readOnly: true });
  assert.deepEqual(
    reader
      .prepare('SELECT n FROM item')
      .all()
      .map(({ n }) => n),
    [1, 3],
  );
  reader.close();
  database.close();
});

test('a second host on the same home is refused, also from another process, until the first ends', async () => {
  const path = fresh();
  const database = openDatabase({ path, migrations: ONE });
  assert.throws(() => openDatabase({ path, migrations: ONE }), {
    code: 'conflict',
    rule: 'store.single_writer',
  });
  const program = `import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).pathname)};
    try { openDatabase({ path: ${JSON.stringify(path)}, migrations: [] }); } catch (error) { console.log(error.rule); }`;
  const other = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(other.stdout.trim(), 'store.single_writer', other.stderr);
  database.close();
  openDatabase({ path, migrations: ONE }).close();
});

test('a full disk refuses the write with a remedy, keeps what was accepted, and work goes on when there is room', async () => {
  const path = fresh();
  const database = openDatabase({ path, migrations: ['CREATE TABLE blob (b TEXT NOT NULL) STRICT'] });
  await database.write((transaction) => transaction.run('INSERT INTO blob VALUES (?)', 'kept'));
  database.get('PRAGMA max_page_count = 5');
  const large = 'x'.repeat(100_000);
  const refused = database.write((transaction) => transaction.run('INSERT INTO blob VALUES (?)', large));
  await assert.rejects(refused, { code: 'disk_full', rule: 'store.full' });
  assert.equal(integerOf(database.get('SELECT COUNT(*) AS n FROM blob') ?? {}, 'n'), 1);
  database.get('PRAGMA max_page_count = 100000');
  await database.write((transaction) => transaction.run('INSERT INTO blob VALUES (?)', large));
  database.close();
});

test('a database that another program has locked refuses, and is not waited for for ever', async () => {
  const path = fresh();
  const database = openDatabase({ path, migrations: ONE, busyTimeoutMs: 10 });
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(
    database.write((transaction) => transaction.run('INSERT INTO item VALUES (1)')),
    { code: 'unavailable', rule: 'store.locked' },
  );
  other.exec('ROLLBACK');
  await database.write((transaction) => transaction.run('INSERT INTO item VALUES (1)'));
  other.close();
  database.close();
});

test('a file that is no database, or a damaged one, is refused with a remedy and left as it is', () => {
  const path = fresh();
  writeFileSync(path, 'this is not a database, but it is longer than the header of one would be'.repeat(30));
  assert.throws(() => openDatabase({ path, migrations: ONE }), { rule: 'store.corrupt' });
  // The lock is not left behind.
  assert.throws(() => openDatabase({ path, migrations: ONE }), { rule: 'store.corrupt' });
  assert.throws(() => openDatabase({ path: join(directory, 'no', 'such.db'), migrations: ONE }), {
    rule: 'store.open',
  });
});

test('the schema goes forward only, each step after a backup', async () => {
  const path = fresh();
  const first = openDatabase({ path, migrations: ONE });
  await first.write((transaction) => transaction.run('INSERT INTO item VALUES (1)'));
  first.close();
  const backups = () => readdirSync(directory).filter((name) => name.startsWith(`${files}.db.before-`));
  assert.deepEqual(backups(), []);
  const two = [...ONE, 'ALTER TABLE item ADD COLUMN m INTEGER'];
  openDatabase({ path, migrations: two }).close();
  openDatabase({ path: `${path}.new.db`, migrations: two }).close();
  assert.ok(!readdirSync(directory).some((name) => name.includes('.new.db.before-')), 'nothing to lose yet');
  const [backup] = backups();
  assert.ok(backup && existsSync(join(directory, backup)));
  const old = new DatabaseSync(join(directory, backup));
  assert.equal(old.prepare('SELECT n FROM item').get()?.n, 1);
  old.close();
  assert.throws(() => openDatabase({ path, migrations: ONE }), {
    code: 'conflict',
    rule: 'store.newer_schema',
  });
});

test('a step that fails changes nothing', () => {
  const path = fresh();
  openDatabase({ path, migrations: ONE }).close();
  assert.throws(() => openDatabase({ path, migrations: [...ONE, 'CREATE TABLE a (b); THIS IS NOT SQL'] }));
  const database = openDatabase({ path, migrations: ONE });
  assert.equal(database.get("SELECT 1 FROM sqlite_schema WHERE name = 'a'"), undefined);
  database.close();
});

test('after close nothing is accepted, and what was waiting is written', async () => {
  const path = fresh();
  const database = openDatabase({ path, migrations: ONE });
  const waiting = database.write((transaction) => transaction.run('INSERT INTO item VALUES (1)'));
  database.close();
  assert.equal(await waiting, 1);
  await assert.rejects(
    database.write(() => 1),
    { code: 'unavailable' },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryDirectory } from '../keeper/test/open-keeper.ts';
import { openDatabase } from './database.ts';

function setUp() {
  const directory = temporaryDirectory();
  const seen = { forced: 0, later: [] as (() => void)[] };
  const database = openDatabase({
    directory: directory.path,
    uid: null,
    migrations: [
      'CREATE TABLE a (x INTEGER UNIQUE) STRICT; CREATE TABLE t (n INTEGER NOT NULL) STRICT; INSERT INTO t VALUES (0)',
    ],
    now: () => 0,
    touch: 'UPDATE t SET n = n + 1',
    later: (run) => void seen.later.push(run),
    forced: () => {
      seen.forced += 1;
    },
  });
  const add = (x: number) => database.run('INSERT INTO a VALUES (?)', x);
  return {
    ...{ database, seen, add },
    rows: () => database.all('SELECT x FROM a ORDER BY x').map(({ x }) => x),
    [Symbol.dispose]() {
      database.close();
      directory[Symbol.dispose]();
    },
  };
}

test('a part that throws is undone alone; the others are kept with the whole', () => {
  using setup = setUp();
  const { database, add } = setup;
  database.together(() => {
    database.relaxed(() => add(1));
    assert.throws(() =>
      database.relaxed(() => {
        add(2);
        throw new Error('no');
      }),
    );
    database.relaxed(() => database.relaxed(() => add(3)));
  });
  assert.deepEqual(setup.rows(), [1, 3]);
});

test('where the whole fails nothing of it is kept', () => {
  using setup = setUp();
  const { database, add } = setup;
  assert.throws(() =>
    database.together(() => {
      database.durable(() => add(1));
      throw new Error('no');
    }),
  );
  assert.deepEqual([setup.rows(), setup.seen.forced], [[], 0]);
});

test('one durable part forces all to disk, once, before the whole returns', () => {
  using setup = setUp();
  const { database, add } = setup;
  database.together(() => {
    for (const x of [1, 2, 3]) database.durable(() => add(x));
    database.relaxed(() => add(4));
    assert.equal(setup.seen.forced, 0);
  });
  assert.equal(setup.seen.forced, 1);
  database.together(() => database.relaxed(() => add(5)));
  assert.equal(setup.seen.forced, 1);
  for (const run of setup.seen.later) run();
  assert.equal(setup.seen.forced, 2, 'the relaxed ones follow soon, together');
});

test('when SQLite undoes the whole from within a part, no later part is done or answered', () => {
  using setup = setUp();
  const { database, add } = setup;
  const disk = new Error('as a full disk does it');
  let later = 0;
  assert.throws(
    () =>
      database.together(() => {
        database.relaxed(() => add(1));
        assert.throws(() =>
          database.relaxed(() => {
            database.run('ROLLBACK');
            throw disk;
          }),
        );
        assert.throws(() => database.relaxed(() => (later += add(2))), disk);
      }),
    disk,
  );
  assert.deepEqual([setup.rows(), later], [[], 0]);
  database.relaxed(() => add(7));
  assert.deepEqual(setup.rows(), [7]);
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import {
  ask,
  KEY_NAME,
  NOWHERE,
  ORIGIN,
  openKeeper,
  policyFor,
  reserveRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const OTHER = 'OPENLEGION_SYSTEM_OTHER_KEY';
const clock = { nowMs: Date.UTC(2026, 10, 21) };
const call = reserveRequest({ credential: KEY_NAME, inputMicroUsd: 0 });

/** A keeper with two keys, closed; then `tamper` has the file to itself; the answer is what a call then gets. */
function afterTampering(tamper: (database: DatabaseSync) => void): unknown {
  using directory = temporaryDirectory();
  const keeper = openKeeper(directory.path, clock);
  ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 1000 } }));
  ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'sk-old-value', origins: [ORIGIN], ...NOWHERE });
  ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'sk-the-value', origins: [ORIGIN], ...NOWHERE });
  ask(keeper, 'admin', 'put', {
    name: OTHER,
    value: 'sk-another',
    origins: ['https://other.example'],
    ...NOWHERE,
  });
  keeper.close();
  const database = new DatabaseSync(join(directory.path, 'vault.db'));
  tamper(database);
  database.close();
  const again = openKeeper(directory.path, clock);
  try {
    return ask(again, 'gateway', 'reserve', call);
  } finally {
    again.close();
  }
}

const TAMPERED = { refused: 'internal', rule: 'vault.tampered' };

function boxOf(database: DatabaseSync, name: string): Uint8Array {
  const box = database.prepare('SELECT box FROM credential WHERE name = ?').get(name)?.box;
  assert.ok(box instanceof Uint8Array);
  return box;
}

test('an untouched record is released as it was put', () => {
  const answer = afterTampering(() => {});
  assert.ok(typeof answer === 'object' && answer !== null && 'secret' in answer);
  assert.equal(answer.secret, 'sk-the-value');
});

test('a record with any one byte changed is refused', () => {
  using directory = temporaryDirectory();
  let keeper = openKeeper(directory.path, clock);
  ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 1000 } }));
  ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'sk-the-value', origins: [ORIGIN], ...NOWHERE });
  keeper.close();
  const path = join(directory.path, 'vault.db');
  const reading = new DatabaseSync(path);
  const box = Buffer.from(boxOf(reading, KEY_NAME));
  reading.close();
  assert.ok(box.length > 29);
  for (let index = 0; index < box.length; index += 1) {
    const changed = Buffer.from(box);
    changed[index] = (changed[index] ?? 0) ^ 1;
    const database = new DatabaseSync(path);
    database.prepare('UPDATE credential SET box = ?').run(changed);
    database.close();
    keeper = openKeeper(directory.path, clock);
    assert.deepEqual(ask(keeper, 'gateway', 'reserve', call), TAMPERED, `byte ${index}`);
    const status = ask(keeper, 'host', 'status', {});
    assert.ok(typeof status === 'object' && status !== null && 'openReservations' in status);
    assert.equal(status.openReservations, 0, 'and nothing stays reserved');
    keeper.close();
  }
});

test('two records swapped are refused, and so are two names', () => {
  const swapped = afterTampering((database) => {
    const [mine, other] = [boxOf(database, KEY_NAME), boxOf(database, OTHER)];
    const update = database.prepare('UPDATE credential SET box = ? WHERE name = ?');
    update.run(other, KEY_NAME);
    update.run(mine, OTHER);
  });
  assert.deepEqual(swapped, TAMPERED);
  const renamed = afterTampering((database) => {
    database.exec(`UPDATE credential SET name = 'x' WHERE name = '${KEY_NAME}';
      UPDATE credential SET name = '${KEY_NAME}', origins = '["${ORIGIN}"]' WHERE name = '${OTHER}';
      UPDATE credential SET name = '${OTHER}' WHERE name = 'x'`);
  });
  assert.deepEqual(renamed, TAMPERED);
});

test('a credential bound to another place in the file is refused', () => {
  const answer = afterTampering((database) => {
    database.exec(
      `UPDATE credential SET origins = '["${ORIGIN}","https://evil.example"]' WHERE name = '${KEY_NAME}'`,
    );
  });
  assert.deepEqual(answer, TAMPERED);
});

test('an old version put back is refused, under its own number and under the newest', () => {
  for (const version of [1, 2, 3]) {
    using directory = temporaryDirectory();
    const keeper = openKeeper(directory.path, clock);
    ask(keeper, 'host', 'policy', policyFor({ assistant: { daily: 1000 } }));
    ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'sk-old', origins: [ORIGIN], ...NOWHERE });
    keeper.close();
    const path = join(directory.path, 'vault.db');
    const early = new DatabaseSync(path);
    const old = Buffer.from(boxOf(early, KEY_NAME));
    early.close();
    const newer = openKeeper(directory.path, clock);
    ask(newer, 'admin', 'remove', { name: KEY_NAME });
    ask(newer, 'admin', 'put', { name: KEY_NAME, value: 'sk-new', origins: [ORIGIN], ...NOWHERE });
    newer.close();
    const late = new DatabaseSync(path);
    late.prepare('UPDATE credential SET box = ?, version = ?').run(old, version);
    late.close();
    const last = openKeeper(directory.path, clock);
    assert.deepEqual(ask(last, 'gateway', 'reserve', call), TAMPERED, `version ${version}`);
    last.close();
  }
});

test('a policy or a list of credentials changed in the file grants nothing', () => {
  assert.deepEqual(
    afterTampering((database) => database.exec("UPDATE sealed SET box = x'00' WHERE name = 'policy'")),
    { refused: 'denied', rule: 'vault.policy' },
  );
  assert.deepEqual(
    afterTampering((database) => database.exec("UPDATE sealed SET box = x'00' WHERE name = 'manifest'")),
    TAMPERED,
  );
  assert.deepEqual(
    afterTampering((database) => database.exec("DELETE FROM sealed WHERE name = 'manifest'")),
    TAMPERED,
  );
});

test('the wrong key does not unlock the vault and says what to do', () => {
  using directory = temporaryDirectory();
  openKeeper(directory.path, clock).close();
  for (const key of [Buffer.alloc(32, 1), Buffer.alloc(31, 9), Buffer.alloc(33, 9), Buffer.alloc(0)])
    assert.throws(() => openKeeper(directory.path, clock, key), {
      code: 'unauthenticated',
      rule: 'vault.key',
      remedy: /key file/,
    });
  openKeeper(directory.path, clock).close();
});

test('no value and no key is in the file in any form', () => {
  using directory = temporaryDirectory();
  const value = 'sk-canary-0123456789abcdef';
  const keeper = openKeeper(directory.path, clock);
  ask(keeper, 'admin', 'put', { name: KEY_NAME, value, origins: [ORIGIN], ...NOWHERE });
  keeper.close();
  const file = readVault(directory.path);
  for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')])
    assert.equal(file.includes(form), false);
  assert.equal(file.includes(KEY_NAME), true, 'the search finds what is there');
  assert.equal(file.includes(Buffer.alloc(32, 9)), false);
});

function readVault(directory: string): Buffer {
  return Buffer.concat(readdirSync(directory).map((entry) => readFileSync(join(directory, entry))));
}

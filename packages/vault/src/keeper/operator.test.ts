import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { CredentialName, EgressAnswer } from '@openlegion/contract/keeper-protocol';
import { createSeal, deriveKey } from '../process/sealed-box.ts';
import { MIGRATIONS } from '../process/vault-schema.ts';
import type { Keeper } from './keeper.ts';
import {
  answered,
  ask,
  auditOf,
  BINDING,
  egressRequest,
  KEY_NAME,
  ORIGIN,
  openKeeper,
  policyFor,
  putCredential,
  reserveRequest,
  temporaryDirectory,
} from './test/open-keeper.ts';

const GITHUB = 'OPENLEGION_CRED_GITHUB';
const clock = { nowMs: Date.UTC(2026, 10, 21) };
const POLICY = policyFor({ assistant: { credentials: ['github'], domains: ['shop.example'] } });
const KEYS = [Buffer.alloc(32, 9), Buffer.alloc(32, 11)] as const;

const names = (keeper: Keeper) =>
  answered<{ credentials: CredentialName[] }>(ask(keeper, 'admin', 'names', {})).credentials;
const secretOf = (keeper: Keeper) =>
  (ask(keeper, 'gateway', 'egress', egressRequest()) as EgressAnswer).credential?.secret;
const rotateKey = (keeper: Keeper, key: Buffer) =>
  ask(keeper, 'admin', 'rotateKey', { newKey: key.toString('base64') });

function filled(directory: string, key = KEYS[0]): Keeper {
  const keeper = openKeeper(directory, clock, key);
  answered(ask(keeper, 'host', 'policy', POLICY));
  answered(putCredential(keeper, GITHUB, 'ghp-secret'));
  answered(putCredential(keeper, KEY_NAME, 'sk-secret'));
  return keeper;
}

test('rotating keeps the places, binding keeps the value; both are new versions and recorded', () => {
  using directory = temporaryDirectory();
  const keeper = filled(directory.path);
  const [before] = names(keeper);
  assert.deepEqual(ask(keeper, 'admin', 'rotate', { name: GITHUB, value: 'ghp-new' }), {
    name: GITHUB,
    version: 2,
  });
  assert.deepEqual(names(keeper)[0], { ...before, version: 2 });
  assert.equal(secretOf(keeper), 'ghp-new');
  const bindings = [{ ...BINDING, host: 'other.example' }];
  const places = { origins: [], bindings, environment: ['GITHUB_TOKEN'] };
  assert.deepEqual(ask(keeper, 'admin', 'bind', { name: GITHUB, ...places }), { name: GITHUB, version: 3 });
  assert.equal(secretOf(keeper), undefined);
  assert.equal(
    (ask(keeper, 'gateway', 'egress', egressRequest({ host: 'other.example' })) as EgressAnswer).credential
      ?.secret,
    'ghp-new',
  );
  for (const [op, change] of [
    ['rotate', { value: 'x' }],
    ['bind', places],
  ] as const)
    assert.deepEqual(ask(keeper, 'admin', op, { name: 'OPENLEGION_CRED_NONE', ...change }), {
      refused: 'not_found',
      rule: 'vault.credential',
    });
  assert.deepEqual(
    auditOf(keeper)
      .filter(({ actor }) => actor === 'operator')
      .map(({ type, subject }) => [type, subject]),
    [
      ['credential.stored', GITHUB],
      ['credential.stored', KEY_NAME],
      ['credential.rotated', GITHUB],
      ['credential.bound', GITHUB],
    ],
  );
  keeper.close();
});

test('a system key is bound to origins and to no header, and is never left without', () => {
  using directory = temporaryDirectory();
  const keeper = filled(directory.path);
  const places = { origins: [ORIGIN], bindings: [], environment: [] };
  const bad = [
    { ...places, origins: [] },
    { ...places, bindings: [BINDING] },
    { ...places, environment: ['X_TOKEN'] },
  ];
  for (const change of bad) {
    const refused = { refused: 'bad_request', rule: 'protocol.shape' };
    assert.deepEqual(ask(keeper, 'admin', 'bind', { name: KEY_NAME, ...change }), refused);
    assert.deepEqual(ask(keeper, 'admin', 'put', { name: KEY_NAME, value: 'v', ...change }), refused);
  }
  assert.equal(names(keeper)[1]?.version, 1);
  keeper.close();
});

test('after the key is rotated the new one opens the store, and the old one nothing that is left of it', () => {
  using directory = temporaryDirectory();
  const keeper = filled(directory.path);
  const wrapped = boxOf(directory.path, 'data-key');
  answered(rotateKey(keeper, KEYS[1]));
  assert.equal(secretOf(keeper), 'ghp-secret', 'the running keeper goes on');
  const files = Buffer.concat(
    readdirSync(directory.path).map((file) => readFileSync(join(directory.path, file))),
  );
  assert.equal(files.includes(wrapped), false, 'what the old key opens is overwritten, at once');
  keeper.close();
  assert.throws(() => openKeeper(directory.path, clock, KEYS[0]), {
    code: 'unauthenticated',
    remedy: /vault\.key\.new/,
  });
  const again = openKeeper(directory.path, clock, KEYS[1]);
  assert.equal(secretOf(again), 'ghp-secret');
  assert.equal(auditOf(again).filter(({ type }) => type === 'vault.key_rotated').length, 1);
  again.close();
});

/** Of a keeper that is open, whose file nobody else can open: the first bytes of a sealed value, from its log. */
function boxOf(directory: string, name: string): Buffer {
  const bytes = readFileSync(join(directory, 'vault.db-wal'));
  const at = bytes.lastIndexOf(name);
  assert.ok(at > 0, 'the log holds it');
  return bytes.subarray(at + name.length, at + name.length + 48);
}

test('a crash around a key rotation leaves one of the two keys that the person then has beside each other', () => {
  // `vault.key.new` is written, then the keeper asked, then the file renamed. Before the keeper has committed the old
  // one opens, after it the new one does; both are on disk until the rename.
  for (const committed of [false, true]) {
    using directory = temporaryDirectory();
    let keeper = filled(directory.path);
    if (committed) answered(rotateKey(keeper, KEYS[1]));
    keeper.close();
    const opening = KEYS.filter((key) => {
      try {
        openKeeper(directory.path, clock, key).close();
        return true;
      } catch {
        return false;
      }
    });
    assert.deepEqual(opening, [KEYS[committed ? 1 : 0]]);
    keeper = openKeeper(directory.path, clock, KEYS[committed ? 1 : 0]);
    assert.equal(secretOf(keeper), 'ghp-secret');
    answered(rotateKey(keeper, KEYS[1]));
    keeper.close();
    openKeeper(directory.path, clock, KEYS[1]).close();
  }
});

test('an export is opened by its passphrase alone, and makes another vault the same', () => {
  using directory = temporaryDirectory();
  const keeper = filled(directory.path);
  answered(
    ask(keeper, 'host', 'generate', {
      agent: 'assistant',
      name: 'shop',
      hosts: ['shop.example'],
      length: 16,
    }),
  );
  answered(ask(keeper, 'admin', 'canaries', { prefix: 'CANARYCANARY', count: 2, origins: [ORIGIN] }));
  const passphrase = 'correct horse battery';
  const { sealed, credentials } = answered<{ sealed: string; credentials: number }>(
    ask(keeper, 'admin', 'export', { passphrase }),
  );
  assert.equal(credentials, 3, 'no canaries');
  const bytes = Buffer.from(sealed, 'base64');
  for (const secret of ['ghp-secret', 'sk-secret', GITHUB, passphrase])
    assert.equal(bytes.includes(secret), false);
  using elsewhere = temporaryDirectory();
  const other = openKeeper(elsewhere.path, clock, KEYS[1]);
  answered(ask(other, 'host', 'policy', POLICY));
  const refused = { refused: 'unauthenticated', rule: 'vault.passphrase' };
  const bring = (phrase: string, box: Buffer) =>
    ask(other, 'admin', 'import', { passphrase: phrase, sealed: box.toString('base64') });
  assert.deepEqual(bring('correct horse batterz', bytes), refused);
  for (const index of [0, 15, 16, 17, 30, 45, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.deepEqual(bring(passphrase, changed), refused, `byte ${index}`);
  }
  for (const length of [0, 15, 16, 44])
    assert.deepEqual(bring(passphrase, bytes.subarray(0, length)), refused);
  assert.deepEqual(names(other), [], 'nothing came of any of these');
  const own = 'OPENLEGION_CRED_AGENT_ASSISTANT_SHOP';
  assert.deepEqual(bring(passphrase, bytes), { names: [own, GITHUB, KEY_NAME] });
  const strip = (keeper: Keeper) =>
    names(keeper)
      .filter(({ name }) => !name.includes('CANARY'))
      .map(({ createdAt: _, lastUsedAt: __, ...rest }) => rest);
  assert.deepEqual(strip(other), strip(keeper));
  assert.equal(secretOf(other), 'ghp-secret');
  assert.deepEqual(bring(passphrase, bytes), { names: [own, GITHUB, KEY_NAME] });
  assert.deepEqual(
    names(other).map(({ version }) => version),
    [2, 2, 2],
    'again: the next versions',
  );
  other.close();
  keeper.close();
});

test('every column beside a value is bound to it: changed in the file, the credential goes nowhere', () => {
  const wide = JSON.stringify([{ ...BINDING, host: '*.evil.example' }]);
  const edits = [
    `UPDATE credential SET bindings = '${wide}' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET bindings = '[]' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET bindings = 'not json' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET environment = '["X_TOKEN"]' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET owner = 'assistant' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET origins = '["https://evil.example"]' WHERE name = '${GITHUB}'`,
    `UPDATE credential SET version = 2 WHERE name = '${GITHUB}'`,
    `UPDATE credential SET box = (SELECT box FROM credential WHERE name = '${KEY_NAME}') WHERE name = '${GITHUB}'`,
    `UPDATE credential SET name = 'x' WHERE name = '${KEY_NAME}'; UPDATE credential SET name = '${KEY_NAME}' WHERE name = '${GITHUB}'; UPDATE credential SET name = '${GITHUB}' WHERE name = 'x'`,
  ];
  for (const edit of edits) {
    using directory = temporaryDirectory();
    filled(directory.path).close();
    const database = new DatabaseSync(join(directory.path, 'vault.db'));
    database.exec(edit);
    database.close();
    const keeper = openKeeper(directory.path, clock);
    for (const host of ['api.example.com', 'x.evil.example']) {
      const answer = ask(keeper, 'gateway', 'egress', egressRequest({ host })) as {
        refused: string;
        rule: string;
      };
      assert.deepEqual(
        [answer.refused, answer.rule],
        ['denied', 'permissions.assistant.allowed_domains'],
        edit,
      );
    }
    const check = { credential: GITHUB, style: 'github', signature: '', timestamp: '', bodyBase64: '' };
    assert.deepEqual(
      ask(keeper, 'host', 'verifySignature', check),
      { refused: 'internal', rule: 'vault.tampered' },
      edit,
    );
    for (const op of ['rotate', 'bind'] as const) {
      const change = op === 'rotate' ? { value: 'v' } : { origins: [], bindings: [], environment: [] };
      assert.deepEqual(ask(keeper, 'admin', op, { name: GITHUB, ...change }), {
        refused: 'internal',
        rule: 'vault.tampered',
      });
    }
    assert.deepEqual(ask(keeper, 'admin', 'export', { passphrase: 'twelve characters' }), {
      refused: 'internal',
      rule: 'vault.tampered',
    });
    assert.equal(names(keeper).length, 2, 'and the others are listed');
    answered(putCredential(keeper, GITHUB, 'stored again'));
    assert.equal(secretOf(keeper), 'stored again');
    keeper.close();
  }
});

test('a vault of the version before opens with its keys, its spending and its open reservations', () => {
  using directory = temporaryDirectory();
  openKeeper(directory.path, clock).close();
  // The same file as it was before this version: its schema, and one record sealed as it was then.
  const path = join(directory.path, 'vault.db');
  const database = new DatabaseSync(path);
  const sealed = new Map(
    database
      .prepare('SELECT name, box FROM sealed')
      .all()
      .map(({ name, box }) => [name, box as Uint8Array]),
  );
  const wrapping = createSeal(
    deriveKey(KEYS[0], sealed.get('salt') ?? new Uint8Array(), 'openlegion vault unlock v1'),
  );
  const dataKey = wrapping.open(sealed.get('data-key') ?? new Uint8Array(), ['data-key']);
  assert.ok(dataKey);
  const seal = createSeal(dataKey);
  for (const table of ['credential', 'reservation', 'tally', 'run', 'warning'])
    database.exec(`DROP TABLE ${table}`);
  const audit = database.prepare('SELECT * FROM audit').all();
  const checkpoints = database.prepare('SELECT * FROM checkpoint').all();
  database.exec('DROP TABLE audit; DROP TABLE checkpoint; DROP TABLE sealed');
  for (const migration of MIGRATIONS.slice(0, 2)) database.exec(migration);
  for (const [name, box] of sealed)
    database.prepare('INSERT INTO sealed VALUES (?, ?)').run(String(name), box);
  for (const row of audit)
    database.prepare('INSERT INTO audit VALUES (?,?,?,?,?,?,?,?,?,?,?)').run(...Object.values(row));
  for (const row of checkpoints)
    database.prepare('INSERT INTO checkpoint VALUES (?,?,?,?,?)').run(...Object.values(row));
  const box = seal.seal(Buffer.from('sk-old'), ['credential', 'system', KEY_NAME, 1, ORIGIN]);
  database
    .prepare('INSERT INTO credential VALUES (?, 1, ?, 0, ?, ?, NULL)')
    .run(KEY_NAME, JSON.stringify([ORIGIN]), box, '2026-11-20T00:00:00.000Z');
  database
    .prepare('INSERT INTO sealed VALUES (?, ?)')
    .run('manifest', seal.seal(Buffer.from(JSON.stringify({ [KEY_NAME]: 1 })), ['manifest']));
  const oldPolicy = { timeZone: 'UTC', fleet: { dailyMicroUsd: 1, monthlyMicroUsd: 1 }, agents: [] };
  database
    .prepare('INSERT INTO sealed VALUES (?, ?)')
    .run('policy', seal.seal(Buffer.from(JSON.stringify(oldPolicy)), ['policy']));
  database.exec(`INSERT INTO reservation VALUES ('r', 'assistant', 't', '2026-11-21', 40);
    INSERT INTO tally (scope, period, spent, reserved) VALUES ('agent:assistant', '2026-11-21', 7, 40),
      ('agent:assistant', '2026-11', 7, 40), ('fleet', '2026-11-21', 7, 40), ('fleet', '2026-11', 7, 40);
    PRAGMA user_version = 2`);
  database.close();
  const keeper = openKeeper(directory.path, clock);
  assert.equal(
    readdirSync(directory.path).some((file) => file.startsWith('vault.db.before-3')),
    true,
    'a copy is kept',
  );
  assert.deepEqual(ask(keeper, 'gateway', 'reserve', reserveRequest()), {
    refused: 'denied',
    rule: 'vault.policy',
  });
  answered(ask(keeper, 'host', 'policy', policyFor({ assistant: {} })));
  const answer = answered<{ secret: string }>(
    ask(keeper, 'gateway', 'reserve', reserveRequest({ credential: KEY_NAME })),
  );
  assert.equal(answer.secret, 'sk-old');
  const { agents, fleet } = answered<{
    agents: Record<string, { spentTodayMicroUsd: number }>;
    fleet: { spentTodayMicroUsd: number };
  }>(ask(keeper, 'host', 'costs', {}));
  assert.deepEqual([agents.assistant?.spentTodayMicroUsd, fleet.spentTodayMicroUsd], [47, 47]);
  assert.deepEqual(answered(ask(keeper, 'admin', 'rotate', { name: KEY_NAME, value: 'sk-new' })), {
    name: KEY_NAME,
    version: 2,
  });
  keeper.close();
  // And the old way of sealing opens nothing that has bindings.
  const late = new DatabaseSync(path);
  late
    .prepare('UPDATE credential SET box = ?, version = 2')
    .run(seal.seal(Buffer.from('x'), ['credential', 'system', KEY_NAME, 2, ORIGIN]));
  late.prepare('UPDATE credential SET bindings = ?').run(JSON.stringify([BINDING]));
  late.close();
  const again = openKeeper(directory.path, clock);
  assert.deepEqual(ask(again, 'gateway', 'reserve', reserveRequest({ credential: KEY_NAME })), {
    refused: 'internal',
    rule: 'vault.tampered',
  });
  again.close();
});

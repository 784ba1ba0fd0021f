import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type AuditRecord, auditRecordText, checkpointText } from '@openlegion/contract/audit-record';
import { storedAuditSource } from '../packages/cli/src/audit/audit-source.ts';
import { checkExport } from '../packages/cli/src/audit/check-export.ts';
import { verifyChains } from '../packages/cli/src/commands/audit.ts';
import { createAuditLog } from '../packages/host/src/audit/audit-log.ts';
import { exportAudit } from '../packages/host/src/audit/export-audit.ts';
import { createManualClock } from '../packages/host/src/manual-clock.ts';
import { openDatabase } from '../packages/host/src/store/database.ts';
import { MESH_MIGRATIONS } from '../packages/host/src/store/mesh-schema.ts';

const hashOf = (record: Omit<AuditRecord, 'hash'>) =>
  createHash('sha256').update(auditRecordText(record)).digest('hex');

function checkpointOf(key: KeyObject, chain: 'host' | 'keeper', seq: number, hash: string) {
  const open = { chain, seq, hash, at: '2026-01-01T00:00:00.000Z' };
  return { ...open, signature: sign(null, Buffer.from(checkpointText(open)), key).toString('base64') };
}

/** An installation's audit files, 30 records long in either chain, one each minute; signed at 20. */
async function installation(agent = 'a') {
  const home = mkdtempSync(`${tmpdir()}/openlegion-audit-`);
  mkdirSync(join(home, 'data/keeper'), { recursive: true });
  const keys = generateKeyPairSync('ed25519');
  const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  writeFileSync(join(home, 'data/audit.pub'), pem);
  const mesh = join(home, 'data/mesh.db');
  const vault = join(home, 'data/keeper/vault.db');
  const clock = createManualClock();
  const database = openDatabase({ path: mesh, migrations: MESH_MIGRATIONS });
  const audit = createAuditLog({ database, clock });
  const keeper = new DatabaseSync(vault);
  keeper.exec(`CREATE TABLE audit (seq INTEGER PRIMARY KEY, at TEXT, type TEXT, actor TEXT, subject TEXT, decision TEXT,
    rule TEXT, traceId TEXT, detail TEXT, previousHash TEXT, hash TEXT) STRICT;
    CREATE TABLE checkpoint (chain TEXT, seq INTEGER, hash TEXT, at TEXT, signature TEXT) STRICT`);
  const signed = (chain: 'host' | 'keeper', seq: number, hash: string) => {
    const point = checkpointOf(keys.privateKey, chain, seq, hash);
    const { signature, at } = point;
    keeper.prepare('INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)').run(chain, seq, hash, at, signature);
    return point;
  };
  const ofKeeper: AuditRecord[] = [];
  for (let n = 1; n <= 30; n += 1) {
    await audit.record({
      type: 'message.accepted',
      actor: 'operator',
      subject: `${agent}${n}`,
      detail: { n },
    });
    const open = {
      ...{
        seq: n,
        at: new Date(clock.now()).toISOString(),
        type: 'egress.allowed',
        actor: 'a',
        subject: `${agent}${n}`,
      },
      ...{ decision: 'allowed' as const, rule: 'r', traceId: 't', detail: '{}' },
      previousHash: ofKeeper.at(-1)?.hash ?? '0'.repeat(64),
    };
    const record = { ...open, hash: hashOf(open) };
    ofKeeper.push(record);
    keeper
      .prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(...Object.values({ ...open, hash: record.hash }));
    if (n === 20) {
      signed('host', 20, audit.head().hash);
      signed('keeper', 20, record.hash);
    }
    clock.advance(60_000);
  }
  const lines = async (from: string, to: string): Promise<string[]> => {
    const parts = {
      audit,
      readKeeper: async (after: number, limit: number) => ofKeeper.slice(after, after + limit),
      sign: async (seq: number, hash: string) => signed('host', seq, hash),
    };
    const found: string[] = [];
    for await (const line of await exportAudit(parts, 'sam', { from, to })) found.push(line.trimEnd());
    return found;
  };
  return {
    ...{ home, mesh, vault, pem, lines },
    close() {
      if (keeper.isOpen) keeper.close();
      database.close();
    },
    verify: async () => (await verifyChains(storedAuditSource(home))).flatMap(({ findings }) => findings),
    [Symbol.dispose]() {
      this.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Continues a chain from `from` with hashes that fit: what someone does who knows how it works and has no key. */
function rewrite(path: string, from: number, columns: { previous: string; trace: string }): void {
  const database = new DatabaseSync(path);
  const rows = database.prepare('SELECT * FROM audit WHERE seq >= ? ORDER BY seq').all(from);
  let previousHash = String(
    database.prepare('SELECT hash FROM audit WHERE seq = ?').get(from - 1)?.hash ?? '0'.repeat(64),
  );
  for (const row of rows) {
    const text = (column: string) => String(row[column]);
    const open = {
      ...{ seq: Number(row.seq), at: text('at'), type: text('type'), actor: text('actor') },
      ...{ subject: text('subject'), decision: 'none' as const, rule: text('rule'), detail: text('detail') },
      ...{ traceId: text(columns.trace), previousHash },
    };
    previousHash = hashOf(open);
    database
      .prepare(`UPDATE audit SET decision = 'none', ${columns.previous} = ?, hash = ? WHERE seq = ?`)
      .run(open.previousHash, previousHash, open.seq);
  }
  database.close();
}

const HOST = { previous: 'previous_hash', trace: 'trace_id' };
const KEEPER = { previous: 'previousHash', trace: 'traceId' };

test('whatever is done to the files of either chain, verify finds it', async () => {
  const sql = (path: string, text: string) => {
    const database = new DatabaseSync(path);
    database.exec(text);
    database.close();
  };
  const attacks: [
    name: string,
    attack: (files: { mesh: string; vault: string; pem: string; home: string }) => void,
  ][] = [
    ['edit in mesh.db', ({ mesh }) => sql(mesh, "UPDATE audit SET actor = 'eve' WHERE seq = 7")],
    ['edit of a detail', ({ vault }) => sql(vault, `UPDATE audit SET detail = '{"a":1}' WHERE seq = 25`)],
    ['delete', ({ mesh }) => sql(mesh, 'DELETE FROM audit WHERE seq = 12')],
    ['delete the first', ({ vault }) => sql(vault, 'DELETE FROM audit WHERE seq = 1')],
    [
      'insert',
      ({ mesh }) =>
        sql(
          mesh,
          'INSERT INTO audit SELECT 31, at, type, actor, subject, decision, rule, trace_id, detail, previous_hash, hash FROM audit WHERE seq = 9',
        ),
    ],
    [
      'reorder',
      ({ mesh }) =>
        sql(
          mesh,
          'UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 99',
        ),
    ],
    ['truncate', ({ mesh }) => sql(mesh, 'DELETE FROM audit WHERE seq > 15')],
    ['truncate the keeper', ({ vault }) => sql(vault, 'DELETE FROM audit WHERE seq > 15')],
    ['empty', ({ mesh }) => sql(mesh, 'DELETE FROM audit')],
    [
      'rewrite with hashes that fit',
      ({ mesh }) => {
        sql(mesh, "UPDATE audit SET actor = 'eve' WHERE seq = 7");
        rewrite(mesh, 7, HOST);
      },
    ],
    [
      'rewrite the keeper’s',
      ({ vault }) => {
        sql(vault, "UPDATE audit SET actor = 'eve' WHERE seq = 7");
        rewrite(vault, 7, KEEPER);
      },
    ],
    [
      'delete the end and close the gap',
      ({ mesh }) => {
        sql(mesh, 'DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq > 5');
        rewrite(mesh, 5, HOST);
      },
    ],
    [
      'forge a checkpoint',
      ({ vault }) => {
        const point = checkpointOf(generateKeyPairSync('ed25519').privateKey, 'host', 30, 'f'.repeat(64));
        sql(
          vault,
          `INSERT INTO checkpoint VALUES ('host', 30, '${point.hash}', '${point.at}', '${point.signature}')`,
        );
      },
    ],
    ['take the vault’s file away', ({ vault }) => rmSync(vault)],
  ];
  using files = await installation();
  files.close();
  assert.deepEqual(await files.verify(), []);
  for (const path of [files.mesh, files.vault]) copyFileSync(path, `${path}.own`);
  for (const [name, attack] of attacks) {
    attack(files);
    assert.ok((await files.verify()).length > 0, name);
    for (const path of [files.mesh, files.vault]) copyFileSync(`${path}.own`, path);
  }
  assert.deepEqual(await files.verify(), []);
});

test('files of another installation, and an older copy of one of them, are found', async () => {
  using ours = await installation();
  using theirs = await installation('b');
  ours.close();
  theirs.close();
  for (const [from, to] of [
    [theirs.mesh, ours.mesh],
    [theirs.vault, ours.vault],
  ] as const) {
    copyFileSync(to, `${to}.own`);
    copyFileSync(from, to);
    assert.ok((await ours.verify()).length > 0);
    copyFileSync(`${to}.own`, to);
  }
  assert.deepEqual(await ours.verify(), []);
});

test('an export is checked with the file and the key alone; it has what lies between the times and no more', async () => {
  using files = await installation();
  const lines = await files.lines('2026-01-01T00:05:00.000Z', '2026-01-01T00:09:59.999Z');
  const verdict = await checkExport(lines, files.pem);
  assert.deepEqual(verdict.problems, []);
  assert.deepEqual([verdict.host, verdict.keeper, verdict.exportedBy], [5, 5, 'sam']);
  assert.equal(lines.length, 12);
  const none = await checkExport(
    await files.lines('2030-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000Z'),
    files.pem,
  );
  assert.deepEqual([none.problems, none.host, none.keeper], [[], 0, 0]);
  const all = await checkExport(
    await files.lines('1970-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'),
    files.pem,
  );
  assert.deepEqual([all.problems, all.host, all.keeper], [[], 32, 30]);
});

test('an export that was edited, cut, added to, put in another order or patched together is found', async () => {
  using files = await installation();
  using others = await installation('b');
  const range = ['2026-01-01T00:05:00.000Z', '2026-01-01T00:09:59.999Z'] as const;
  const lines = await files.lines(...range);
  const wider = await files.lines('2026-01-01T00:00:00.000Z', range[1]);
  const theirs = await others.lines(...range);
  const rehashed = (text: string, change: (record: AuditRecord) => AuditRecord) => {
    const line = JSON.parse(text);
    const { hash: _hash, ...open } = change(line.record);
    return JSON.stringify({ ...line, record: { ...open, hash: hashOf(open) } });
  };
  const swapped = (list: readonly string[], a: number, b: number) =>
    list.map((line, index) => list[index === a ? b : index === b ? a : index] ?? line);
  const attacks: [string, readonly string[]][] = [
    ['edit', lines.map((line) => line.replace('"a7"', '"x7"'))],
    [
      'edit with its hash',
      lines.map((line, index) =>
        index === 3 ? rehashed(line, (record) => ({ ...record, actor: 'eve' })) : line,
      ),
    ],
    ['other times', lines.map((line, index) => (index === 0 ? line.replace('00:05:00', '00:00:00') : line))],
    ['delete', lines.toSpliced(4, 1)],
    ['delete the first', lines.toSpliced(1, 1)],
    ['delete the last record', lines.toSpliced(-2, 1)],
    ['no header', lines.slice(1)],
    ['no manifest', lines.slice(0, -1)],
    ['cut', lines.slice(0, 6)],
    ['nothing', []],
    ['insert', lines.toSpliced(4, 0, lines[4] ?? '')],
    ['append', [...lines, lines[3] ?? '']],
    ['a line of nonsense', lines.toSpliced(4, 0, '{}')],
    ['reorder', swapped(lines, 2, 3)],
    ['chains changed about', lines.map((line) => line.replace('"chain":"keeper"', '"chain":"host"'))],
    ['manifest of a wider export', [...lines.slice(0, -1), wider.at(-1) ?? '']],
    ['records of another installation', [...theirs.slice(0, -1), lines.at(-1) ?? '']],
    ['white space', lines.map((line) => `${line} `)],
  ];
  for (const [name, changed] of attacks)
    assert.equal((await checkExport(changed, files.pem)).sound, false, name);
  assert.match((await checkExport(theirs, files.pem)).problems.join(), /not of this key/);
  assert.equal((await checkExport(lines, 'no key')).sound, false);
});

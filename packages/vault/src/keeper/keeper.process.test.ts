import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
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
import type { Refusal } from '@openlegion/contract/refusal';
import { createKeeperClient } from '../process/keeper-client.ts';
import {
  BINDING,
  egressRequest,
  KEY_NAME,
  NOWHERE,
  ORIGIN,
  policyFor,
  reserveRequest,
  settleRequest,
} from './test/open-keeper.ts';
import { openRaw, refused, result } from './test/raw-connection.ts';
import { type StartedKeeper, startKeeper } from './test/start-keeper.ts';

function temporaryHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'keeper-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

async function connectAll(keeper: StartedKeeper) {
  assert.deepEqual(keeper.report, {
    ready: true,
    detail: { pid: keeper.pid, uid: keeper.report.ready ? keeper.report.detail.uid : '' },
  });
  return {
    gateway: await openRaw(keeper.paths.keeperGateway),
    host: await openRaw(keeper.paths.keeperHost),
    admin: await openRaw(keeper.paths.keeperAdmin),
  };
}

const reservationOf = async (answer: ReturnType<Awaited<ReturnType<typeof openRaw>>['call']>) =>
  String(((await result(answer)) as { reservationId: string }).reservationId);

const spentBy = async (host: Awaited<ReturnType<typeof openRaw>>, agent: string) =>
  (
    (await result(host.call('costs', {}))) as {
      agents: Record<string, { spentTodayMicroUsd: number; reservedMicroUsd: number }>;
    }
  ).agents[agent];

test('each socket takes the operations of its role and no other, and is open to its owner alone', async () => {
  await using keeper = await startKeeper();
  const sockets = await connectAll(keeper);
  const shared = ['names', 'audit', 'status'];
  const host = ['policy', 'costs', 'checkpoint', 'warnings', 'vaultView', 'generate', 'capture'];
  const admin = ['put', 'rotate', 'bind', 'rotateKey', 'export', 'import', 'remove', 'checkpoints'];
  const operations = {
    gateway: ['reserve', 'settle', 'egress', 'egressDone', 'egressRecheck', 'authority'],
    host: [...shared, ...host, 'captureKey', 'verifySignature'],
    admin: [...shared, ...admin, 'canaries', 'removeCanaries'],
  };
  const every = new Set([...Object.values(operations).flat(), 'toString', '__proto__', 'constructor', '']);
  for (const role of ['gateway', 'host', 'admin'] as const)
    for (const operation of every) {
      const answer = await sockets[role].call(operation, null);
      const rule = operations[role].includes(operation) ? 'protocol.shape' : 'vault.role';
      assert.equal(answer.ok ? '' : answer.refusal.rule, rule, `${role} ${operation}`);
    }
  for (const path of [keeper.paths.keeperGateway, keeper.paths.keeperHost, keeper.paths.keeperAdmin])
    assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(keeper.home, 'keeper')).mode & 0o777, 0o700);
  assert.equal(statSync(join(keeper.home, 'keeper/vault.db')).mode & 0o777, 0o600);
});

test('a line that does not parse ends its connection and no other', async () => {
  await using keeper = await startKeeper();
  const { host } = await connectAll(keeper);
  const lines = [
    'sk-not-json\n',
    '[]\n',
    '{"id":-1,"op":"status","args":{}}\n',
    '{"id":1,"op":"status"}\n',
    '{"id":1,"op":"status","args":{},"x":1}\n',
    `${'['.repeat(1_000_000)}\n`,
    'x'.repeat(1_048_577),
    Buffer.from('22ff220a', 'hex'),
  ];
  for (const line of lines) {
    const bad = await openRaw(keeper.paths.keeperHost);
    bad.socket.write(line);
    await bad.closed;
    assert.equal(bad.received(), '');
  }
  assert.ok(await result(host.call('status', {})));
  assert.equal(keeper.output().includes('sk-not-json'), false);
});

test('a peer that asks without reading is held back, and gets every answer once it reads', async () => {
  await using keeper = await startKeeper();
  const { admin, host } = await connectAll(keeper);
  const origins = Array.from(
    { length: 20 },
    (_, index) => `https://${`h${index}`.padEnd(60, 'x')}.${'y'.repeat(60)}.example`,
  );
  for (let made = 0; made < 100; made += 1)
    await result(admin.call('put', { name: `OPENLEGION_CRED_K${made}`, value: 'v', origins, ...NOWHERE }));
  const greedy = await openRaw(keeper.paths.keeperHost);
  greedy.socket.pause();
  const answers = Array.from({ length: 100 }, () => greedy.call('names', {}));
  assert.ok(await result(host.call('status', {})), 'others are answered meanwhile');
  greedy.socket.resume();
  assert.equal(
    (await Promise.all(answers)).every(({ ok }) => ok),
    true,
  );
});

test('50 calls at once with room for one: exactly one is admitted', async () => {
  await using keeper = await startKeeper();
  const { host, admin } = await connectAll(keeper);
  await result(host.call('policy', policyFor({ assistant: { daily: 199 } })));
  await result(admin.call('put', { name: KEY_NAME, value: 'sk-1', origins: [ORIGIN], ...NOWHERE }));
  const gateways = await Promise.all(Array.from({ length: 10 }, () => openRaw(keeper.paths.keeperGateway)));
  const request = reserveRequest({ credential: KEY_NAME });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => (gateways[index % 10] ?? gateways[0])?.call('reserve', request)),
  );
  assert.equal(answers.filter((answer) => answer?.ok).length, 1);
  const refusals = answers.flatMap((answer) => (answer && !answer.ok ? [answer.refusal] : []));
  assert.equal(
    refusals.every(({ code, rule }) => code === 'budget_exceeded' && rule === 'budget.daily'),
    true,
  );
  assert.match(
    refusals[0]?.message ?? '',
    /assistant's daily budget of \$0\.000199: \$0\.00 is spent, \$0\.0001 is reserved/,
  );
});

test('a gateway that is gone is charged all it had reserved, at once; another cannot settle for it', async () => {
  await using keeper = await startKeeper();
  const { gateway, host } = await connectAll(keeper);
  await result(host.call('policy', policyFor({ assistant: { daily: 1000 } })));
  const id = await reservationOf(gateway.call('reserve', reserveRequest()));
  const other = await openRaw(keeper.paths.keeperGateway);
  assert.equal((await refused(other.call('settle', settleRequest(id, 0)))).code, 'not_found');
  await gateway.end();
  // The keeper sees the end before anything that is sent after it.
  while ((await spentBy(host, 'assistant'))?.reservedMicroUsd !== 0) await new Promise(setImmediate);
  assert.equal((await spentBy(host, 'assistant'))?.spentTodayMicroUsd, 100);
});

test('kill -9 between reserve and settle: the reservation is charged in full at the next start', async (t) => {
  const home = temporaryHome(t);
  const keeper = await startKeeper({ home });
  const { gateway, host } = await connectAll(keeper);
  await result(host.call('policy', policyFor({ assistant: { daily: 1000 } })));
  const settled = await reservationOf(gateway.call('reserve', reserveRequest()));
  await result(gateway.call('settle', settleRequest(settled, 30)));
  await reservationOf(gateway.call('reserve', reserveRequest()));
  await keeper.kill();
  await using again = await startKeeper({ home });
  const sockets = await connectAll(again);
  const spent = await spentBy(sockets.host, 'assistant');
  assert.deepEqual([spent?.spentTodayMicroUsd, spent?.reservedMicroUsd], [130, 0]);
  const { records } = (await result(sockets.host.call('audit', { after: 0, limit: 100 }))) as {
    records: { type: string }[];
  };
  assert.equal(records.at(-1)?.type, 'reservation.charged_in_full');
});

test('a second keeper on the same vault is refused and the first keeps its sockets', async (t) => {
  const home = temporaryHome(t);
  await using first = await startKeeper({ home });
  const second = await startKeeper({ home });
  assert.equal(await second.exited, 1);
  assert.ok(
    !second.report.ready && /Another keeper/.test(second.report.message) && second.report.remedy !== '',
  );
  const { host } = await connectAll(first);
  assert.ok(await result(host.call('status', {})));
});

test('the wrong key is reported with a remedy', async (t) => {
  const home = temporaryHome(t);
  await (await startKeeper({ home })).stop();
  const keeper = await startKeeper({ home, key: Buffer.alloc(32, 1) });
  assert.equal(await keeper.exited, 1);
  assert.ok(
    !keeper.report.ready &&
      /stays locked/.test(keeper.report.message) &&
      /key file/.test(keeper.report.remedy),
  );
});

test('no credential is in any answer but to reserve, in anything printed, or in the vault as it lies on disk', async () => {
  await using keeper = await startKeeper();
  const { gateway, host, admin } = await connectAll(keeper);
  const canary = 'sk-CANARY-5f0c2a9e77';
  await result(host.call('policy', policyFor({ assistant: { daily: 1000 } })));
  await result(admin.call('put', { name: KEY_NAME, value: canary, origins: [ORIGIN], ...NOWHERE }));
  await refused(admin.call('put', { name: KEY_NAME, value: `${canary}\n`, origins: [ORIGIN], ...NOWHERE }));
  await refused(admin.call('put', { name: canary, value: canary, origins: [canary], ...NOWHERE }));
  await refused(
    admin.call('put', { name: KEY_NAME, value: canary, origins: [ORIGIN], ...NOWHERE, [canary]: 1 }),
  );
  await refused(admin.call(canary, {}));
  const { names } = (await result(
    admin.call('canaries', { prefix: 'PLANTEDCANARY', count: 20, origins: [ORIGIN] }),
  )) as { names: string[] };
  assert.equal(names.length, 20);
  for (const operation of ['names', 'audit', 'checkpoints', 'status', 'costs'])
    for (const socket of [host, admin])
      await socket.call(operation, operation === 'audit' ? { after: 0, limit: 1000 } : {});
  await refused(
    gateway.call('reserve', reserveRequest({ credential: KEY_NAME, origin: 'https://evil.example' })),
  );
  const broken = await openRaw(keeper.paths.keeperAdmin);
  broken.socket.write(`{"id":1,"op":"put","args":{"value":"${canary}"\n`);
  await broken.closed;
  const everything = () =>
    [gateway, host, admin, broken].map((socket) => socket.received()).join('') + keeper.output();
  const disk = () =>
    Buffer.concat(
      readdirSync(join(keeper.home, 'keeper')).map((file) => readFileSync(join(keeper.home, 'keeper', file))),
    );
  const forms = (value: string) => [
    value,
    Buffer.from(value).toString('base64').slice(0, 16),
    Buffer.from(value).toString('hex'),
    encodeURIComponent(value),
  ];
  for (const form of [...forms(canary), ...forms('PLANTEDCANARY')]) {
    assert.equal(everything().includes(form), false, form);
    assert.equal(disk().includes(form), false, form);
  }
  const released = (await result(gateway.call('reserve', reserveRequest({ credential: KEY_NAME })))) as {
    secret: string;
  };
  assert.equal(released.secret, canary);
  assert.equal(everything().includes(canary), true, 'the search finds what is there');
  assert.deepEqual(await result(admin.call('removeCanaries', {})), { removed: 20 });
});

const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root, to give it up' };

test(
  'as root it becomes its own user, and goes on under a home which that user cannot enter',
  asRoot,
  async (t) => {
    const home = temporaryHome(t);
    const run = mkdtempSync(join(tmpdir(), 'run-'));
    t.after(() => rmSync(run, { recursive: true, force: true }));
    chmodSync(run, 0o755);
    const uid = 61_001;
    await using keeper = await startKeeper({ home, run, uid, gatewayUid: 61_002 });
    const { gateway, host, admin } = await connectAll(keeper);
    assert.equal(statSync(home).mode & 0o777, 0o700);
    const status = readFileSync(`/proc/${keeper.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t61001\t61001\t61001\t61001$/m);
    assert.match(status, /^Gid:\t61001\t61001\t61001\t61001$/m);
    assert.match(status, /^Groups:\t *$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.deepEqual(
      [statSync(keeper.paths.keeperGateway).uid, statSync(keeper.paths.keeperAdmin).uid],
      [61_002, 0],
    );
    for (const entry of readdirSync(join(home, 'keeper')))
      assert.equal(statSync(join(home, 'keeper', entry)).uid, uid);
    await result(host.call('policy', policyFor({ assistant: { daily: 1e9 } }, undefined, 'Asia/Kathmandu')));
    // Enough to pass SQLite's automatic checkpoint, at 1000 pages of write-ahead log, several times.
    for (let made = 0; made < 60; made += 1)
      await result(
        admin.call('put', { name: KEY_NAME, value: 'v'.repeat(16_384), origins: [ORIGIN], ...NOWHERE }),
      );
    for (let call = 0; call < 200; call += 1) {
      const id = await reservationOf(gateway.call('reserve', reserveRequest({ credential: KEY_NAME })));
      await result(gateway.call('settle', settleRequest(id, 1)));
    }
    const wal = statSync(join(home, 'keeper/vault.db-wal')).size;
    assert.ok(
      statSync(join(home, 'keeper/vault.db')).size > 100_000 && wal < 16_000_000,
      `checkpoints run: ${wal}`,
    );
    await keeper.stop();
    assert.equal(keeper.output().includes('crashed'), false, keeper.output());
    await using again = await startKeeper({ home, run, uid, gatewayUid: 61_002 });
    const after = await connectAll(again);
    assert.equal((await spentBy(after.host, 'assistant'))?.spentTodayMicroUsd, 200);
  },
);

test('as root it follows no link that its less trusted user may have planted', asRoot, async (t) => {
  const home = temporaryHome(t);
  const directory = join(home, 'keeper');
  writeFileSync(join(home, 'precious'), 'root only', { mode: 0o600 });
  for (const plant of [symlinkSync, linkSync]) {
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, 61_001, 61_001);
    plant(join(home, 'precious'), join(directory, 'vault.db-journal'));
    const keeper = await startKeeper({ home, uid: 61_001 });
    assert.equal(await keeper.exited, 1);
    assert.equal(statSync(join(home, 'precious')).uid, 0);
    rmSync(directory, { recursive: true });
  }
});

test("what the keeper answers is what the vault's own programs take", async (t) => {
  await using keeper = await startKeeper();
  const { host } = await connectAll(keeper);
  await result(host.call('policy', policyFor({ assistant: { credentials: ['*'] } })));
  const clientOf = async <R extends 'gateway' | 'admin'>(role: R, socketPath: string) => {
    const client = createKeeperClient({ role, socketPath, reconnect: false });
    t.after(() => client.close());
    await client.connected(t.signal);
    return client;
  };
  const gateway = await clientOf('gateway', keeper.paths.keeperGateway);
  const admin = await clientOf('admin', keeper.paths.keeperAdmin);
  const taken = <T>(outcome: { ok: true; result: T } | { ok: false; refusal: Refusal }): T => {
    if (!outcome.ok) throw new Error(outcome.refusal.message);
    return outcome.result;
  };
  const name = 'OPENLEGION_CRED_X';
  const places = { origins: [], bindings: [BINDING], environment: ['X_TOKEN'] };
  taken(await admin.call('put', { name, value: 'v', ...places }));
  taken(await admin.call('rotate', { name, value: 'w' }));
  taken(await admin.call('bind', { name, ...places }));
  assert.deepEqual(taken(await admin.call('names', {})).credentials[0]?.bindings, [BINDING]);
  const { requestId, credential } = taken(await gateway.call('egress', egressRequest()));
  assert.equal(credential?.secret, 'w');
  assert.deepEqual(taken(await gateway.call('egressRecheck', { requestIds: [requestId] })), { revoked: [] });
  taken(await gateway.call('egressDone', { requestId, httpStatus: 200, bytesUp: 0, bytesDown: 0 }));
  assert.match(
    taken(await gateway.call('authority', { agent: 'assistant' })).privateKeyPem,
    /^-----BEGIN PRIVATE/,
  );
  const { sealed } = taken(await admin.call('export', { passphrase: 'twelve characters' }));
  assert.deepEqual(taken(await admin.call('import', { passphrase: 'twelve characters', sealed })).names, [
    name,
  ]);
  taken(await admin.call('rotateKey', { newKey: Buffer.alloc(32, 5).toString('base64') }));
  for (const op of ['status', 'checkpoints', 'removeCanaries'] as const) taken(await admin.call(op, {}));
  assert.ok(taken(await admin.call('audit', { after: 0, limit: 100 })).records.length > 5);
});

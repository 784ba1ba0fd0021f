/** The gateway is the process most likely to be taken over. Here it is: a program that says what it likes on its socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import type { EgressAnswer, KeeperAnswer, ReserveAnswer } from '@openlegion/contract/keeper-protocol';
import fc from 'fast-check';
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
import { openRaw, result } from './test/raw-connection.ts';
import { type StartedKeeper, startKeeper } from './test/start-keeper.ts';

const SECRETS = ['sk-SYSTEM-4e1f', 'ghp-OF-ALICE-77aa', 'NOBODYS-b0c1', 'BOBS-OWN-d2e3'];

async function fill(keeper: StartedKeeper) {
  const host = await openRaw(keeper.paths.keeperHost);
  const admin = await openRaw(keeper.paths.keeperAdmin);
  const policy = policyFor({
    alice: { credentials: ['github'], daily: 1000 },
    bob: { domains: ['shop.example'] },
  });
  await result(host.call('policy', policy));
  const put = (name: string, value: string | undefined, places: object) =>
    result(admin.call('put', { name, value, origins: [], environment: [], ...places }));
  await put(KEY_NAME, SECRETS[0], { origins: [ORIGIN], ...NOWHERE });
  await put('OPENLEGION_CRED_GITHUB', SECRETS[1], { bindings: [BINDING] });
  await put('OPENLEGION_CRED_NOBODYS', SECRETS[2], { bindings: [{ ...BINDING, host: 'nobody.example' }] });
  await put('OPENLEGION_CRED_AGENT_BOB_X', SECRETS[3], { bindings: [{ ...BINDING, host: 'shop.example' }] });
  return { host, admin };
}

const recordsOf = async (host: Awaited<ReturnType<typeof openRaw>>) =>
  ((await result(host.call('audit', { after: 0, limit: 10_000 }))) as { records: AuditRecord[] }).records;

test('it gets no list, no store and no operation of another role, whatever it sends', async () => {
  await using keeper = await startKeeper();
  const { host } = await fill(keeper);
  const gateway = await openRaw(keeper.paths.keeperGateway);
  const operations = [
    'names',
    'audit',
    'export',
    'import',
    'checkpoints',
    'policy',
    'costs',
    'vaultView',
    'captureKey',
    'verifySignature',
    'generate',
    'rotateKey',
    'put',
    'bind',
    'rotate',
    'status',
    'canaries',
  ];
  for (const op of operations)
    for (const args of [
      {},
      { agent: 'alice' },
      { passphrase: 'twelve characters' },
      { after: 0, limit: 1 },
    ]) {
      const answer = await gateway.call(op, args);
      assert.equal(answer.ok ? op : answer.refusal.rule, 'vault.role');
    }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('reserve', 'settle', 'egress', 'egressDone', 'egressRecheck', 'authority'),
      fc.oneof(
        fc.jsonValue(),
        fc.jsonValue().map((value) => ({ ...egressRequest({ agent: 'alice' }), host: value })),
        fc.jsonValue().map((value) => ({ ...reserveRequest({ agent: 'alice' }), credential: value })),
      ),
      async (op, args) => {
        const answer = await gateway.call(op, args);
        const text = JSON.stringify(answer.ok ? answer.result : '');
        for (const secret of SECRETS) assert.equal(text.includes(secret), false);
      },
    ),
    { numRuns: 200 },
  );
  for (const secret of SECRETS) assert.equal(gateway.received().includes(secret), false);
  const released = (await recordsOf(host)).filter(({ type }) => /^credential\.(used|injected)$/.test(type));
  assert.deepEqual(released, []);
});

test('each secret it gets is behind a record that it cannot take back, and is of the agent that it named', async () => {
  await using keeper = await startKeeper();
  const { host } = await fill(keeper);
  const gateway = await openRaw(keeper.paths.keeperGateway);
  const got: { id: string; secret: string; agent: string }[] = [];
  const keep = (agent: string, answer: KeeperAnswer) => {
    if (!answer.ok) return;
    const { requestId, reservationId, credential, secret } = answer.result as EgressAnswer & ReserveAnswer;
    const released = credential?.secret ?? secret;
    if (released) got.push({ id: requestId ?? reservationId, secret: released, agent });
  };
  // Everything at once, in one write: the answers come after one commit with the records of all.
  const calls = ['alice', 'bob'].flatMap((agent) => [
    ...['api.example.com', 'nobody.example', 'shop.example', 'evil.example'].flatMap((host) =>
      ['/', '/user/keys'].flatMap((path) => [
        ['egress', egressRequest({ agent, host, path })] as const,
        [
          'egress',
          egressRequest({
            agent,
            host,
            path,
            tokens: [{ token: '$CRED{agent_bob_x}', place: 'header:authorization' }],
          }),
        ] as const,
        ['egress', egressRequest({ agent, host: '', kind: 'service', service: 'nobodys' })] as const,
      ]),
    ),
    ...[ORIGIN, 'https://evil.example'].flatMap((origin) =>
      [KEY_NAME, 'OPENLEGION_CRED_GITHUB', 'OPENLEGION_CRED_NOBODYS'].map(
        (credential) =>
          ['reserve', reserveRequest({ agent, origin, credential, inputMicroUsd: 600 })] as const,
      ),
    ),
  ]);
  await Promise.all(calls.map(async ([op, args]) => keep(args.agent, await gateway.call(op, args))));
  const secrets = (agent: string) =>
    [...new Set(got.filter((one) => one.agent === agent).map(({ secret }) => secret))].sort();
  assert.deepEqual(secrets('alice'), [SECRETS[1], SECRETS[0]].sort());
  assert.deepEqual(secrets('bob'), [SECRETS[0]]);
  const records = await recordsOf(host);
  for (const { id, agent } of got)
    assert.ok(
      records.some(
        ({ actor, decision, detail }) => actor === agent && decision === 'allowed' && detail.includes(id),
      ),
      'no secret without its record',
    );
  // Nor does it get more by lying about the end of what it was given.
  const [first] = got;
  assert.equal(
    (
      await gateway.call('egressDone', {
        requestId: first?.id ?? '',
        httpStatus: 0,
        bytesUp: 0,
        bytesDown: 0,
      })
    ).ok,
    true,
  );
  const reserved = got.find(({ secret }) => secret === SECRETS[0]);
  assert.equal((await gateway.call('settle', settleRequest(reserved?.id ?? '', 0))).ok, true);
  assert.ok((await recordsOf(host)).length > records.length);
  for (const secret of SECRETS.slice(2)) assert.equal(gateway.received().includes(secret), false);
});

test('what comes in one write is answered in order, and a bad line after it does not undo it', async () => {
  await using keeper = await startKeeper();
  const { host } = await fill(keeper);
  const gateway = await openRaw(keeper.paths.keeperGateway);
  const lines = Array.from({ length: 50 }, (_, index) =>
    JSON.stringify({
      id: index + 1,
      op: 'reserve',
      args: reserveRequest({ agent: 'alice', inputMicroUsd: 30 }),
    }),
  );
  gateway.socket.write(`${lines.join('\n')}\nnot json\n`);
  await gateway.closed;
  const reservations = (await recordsOf(host)).filter(({ type }) => type.startsWith('reservation.'));
  const count = (type: string) =>
    reservations.filter((record) => record.type === `reservation.${type}`).length;
  // 33 of 30 fit into 1000; the connection is gone, so all of it is charged.
  assert.deepEqual([count('made'), count('charged_in_full')], [33, 33]);
  assert.ok(count('refused') > 0);
});

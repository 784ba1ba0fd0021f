import assert from 'node:assert/strict';
import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { test } from 'node:test';
import type { EgressAnswer, GrantedCredential, SignatureCheck } from '@openlegion/contract/keeper-protocol';
import {
  answered,
  ask,
  auditOf,
  BINDING,
  egressRequest,
  KEY_NAME,
  openKeeper,
  policyFor,
  putCredential,
  temporaryDirectory,
} from './test/open-keeper.ts';

const HOOK = 'OPENLEGION_CRED_HOOK';

function setUp() {
  const directory = temporaryDirectory();
  const clock = { nowMs: Date.UTC(2026, 10, 21) };
  const policy = policyFor({
    alice: { domains: ['shop.example', 'api.example.com'] },
    'a-b': { domains: ['shop.example'] },
    bob: { domains: ['shop.example'], credentials: ['*', 'agent_alice_*'] },
  });
  let keeper = openKeeper(directory.path, clock);
  answered(ask(keeper, 'host', 'policy', policy));
  return {
    ...{ clock, policy },
    get keeper() {
      return keeper;
    },
    restart() {
      keeper.close();
      keeper = openKeeper(directory.path, clock);
    },
    generate: (change = {}) =>
      ask(keeper, 'host', 'generate', {
        agent: 'alice',
        name: 'shop',
        hosts: ['shop.example'],
        length: 24,
        ...change,
      }),
    view: (agent: string) =>
      answered<{ credentials: GrantedCredential[] }>(ask(keeper, 'host', 'vaultView', { agent })).credentials,
    egress: (change = {}) =>
      ask(
        keeper,
        'gateway',
        'egress',
        egressRequest({ agent: 'alice', host: 'shop.example', ...change }),
      ) as EgressAnswer,
    [Symbol.dispose]() {
      keeper.close();
      directory[Symbol.dispose]();
    },
  };
}

const named = (token: string) => ({ tokens: [{ token, place: 'header:authorization' }] });

test('a secret that an agent has made leaves only for its hosts, by its own agent, where it is named', () => {
  using setup = setUp();
  assert.deepEqual(setup.generate(), { name: 'OPENLEGION_CRED_AGENT_ALICE_SHOP', version: 1 });
  const [own] = setup.view('alice');
  assert.deepEqual([own?.name, own?.own, own?.version, own?.lastUsedAt], ['agent_alice_shop', true, 1, null]);
  const used = setup.egress(named('$CRED{agent_alice_shop}'));
  assert.match(used.credential?.secret ?? '', /^[A-Za-z0-9]{24}$/);
  assert.equal(setup.view('alice')[0]?.lastUsedAt, '2026-11-21T00:00:00Z');
  assert.equal(setup.egress().credential, null, 'not of itself');
  assert.equal(
    setup.egress({ method: 'POST', path: '/any', ...named(own?.placeholder ?? '') }).mode,
    'terminate',
  );
  assert.deepEqual(setup.view('bob'), [], 'no pattern grants what is owned by another');
  const refused = { refused: 'denied', rule: 'egress.placeholder' };
  for (const token of ['$CRED{agent_alice_shop}', own?.placeholder ?? ''])
    assert.deepEqual(setup.egress({ agent: 'bob', ...named(token) }), refused);
  assert.deepEqual(setup.egress({ host: 'api.example.com', ...named('$CRED{agent_alice_shop}') }), refused);
  assert.equal(JSON.stringify(auditOf(setup.keeper)).includes(used.credential?.secret ?? 'x'), false);
});

test('it is bound within the domains of the agent, and follows them when they shrink', () => {
  using setup = setUp();
  const outside = { refused: 'denied', rule: 'permissions.alice.allowed_domains' };
  for (const host of ['evil.example', 'shop.example:8443', 'x.shop.example'])
    assert.deepEqual(setup.generate({ hosts: ['shop.example', host] }), outside, host);
  for (const hosts of [
    [],
    ['*.shop.example'],
    ['https://shop.example'],
    ['shop.example/x'],
    ['a@shop.example'],
    [''],
  ])
    assert.equal(
      (setup.generate({ hosts }) as { refused: string }).refused,
      'bad_request',
      JSON.stringify(hosts),
    );
  assert.deepEqual(setup.view('alice'), []);
  answered(setup.generate());
  answered(ask(setup.keeper, 'host', 'policy', policyFor({ alice: { domains: ['api.example.com'] } })));
  assert.deepEqual(setup.egress(named('$CRED{agent_alice_shop}')), {
    refused: 'denied',
    rule: 'egress.placeholder',
  });
  assert.deepEqual(
    setup.egress({ kind: 'tunnel', method: 'CONNECT', path: '' }),
    outside,
    'it reaches nothing by itself',
  );
  assert.deepEqual(setup.egress({ kind: 'service', service: 'agent_alice_shop', host: '' }), outside);
});

test("it is no way around an operator's binding at the same host", () => {
  using setup = setUp();
  answered(setup.generate({ name: 'own', hosts: ['api.example.com'] }));
  const post = { host: 'api.example.com', method: 'POST', ...named('$CRED{agent_alice_own}') };
  assert.equal(setup.egress(post).mode, 'terminate', 'as long as nothing is bound there');
  answered(putCredential(setup.keeper, 'OPENLEGION_CRED_GITHUB', 'g', [BINDING]));
  answered(
    ask(
      setup.keeper,
      'host',
      'policy',
      policyFor({ alice: { domains: ['api.example.com'], credentials: ['github'] } }),
    ),
  );
  assert.deepEqual(setup.egress(post), { refused: 'denied', rule: 'egress.placeholder' });
  assert.equal(
    (
      setup.egress({ kind: 'service', service: 'agent_alice_own', host: '', method: 'POST' }) as {
        refused?: string;
      }
    ).refused,
    'denied',
  );
});

test('names of others are taken, names that collide too, and strangers make nothing', () => {
  using setup = setUp();
  answered(putCredential(setup.keeper, 'OPENLEGION_CRED_AGENT_ALICE_TAKEN', 'v', []));
  assert.deepEqual(setup.generate({ name: 'taken' }), { refused: 'conflict', rule: 'vault.owner' });
  answered(setup.generate({ agent: 'a-b', name: 'c' }));
  answered(
    ask(setup.keeper, 'host', 'policy', {
      ...setup.policy,
      agents: [...setup.policy.agents, ...policyFor({ a: { domains: ['shop.example'] } }).agents],
    }),
  );
  assert.deepEqual(setup.generate({ agent: 'a', name: 'b_c' }), { refused: 'conflict', rule: 'vault.owner' });
  assert.deepEqual(setup.generate({ agent: 'stranger' }), { refused: 'denied', rule: 'vault.policy' });
  assert.deepEqual(ask(setup.keeper, 'host', 'vaultView', { agent: 'stranger' }), {
    refused: 'denied',
    rule: 'vault.policy',
  });
  assert.deepEqual(answered(setup.generate({ agent: 'a-b', name: 'c' })), {
    name: 'OPENLEGION_CRED_AGENT_A_B_C',
    version: 2,
  });
});

/** As the agent's tool does it, from the contract's description alone. */
function seal(value: Buffer, publicKeyPem: string): Buffer {
  const theirs = createPublicKey(publicKeyPem);
  const mine = generateKeyPairSync('x25519');
  const raw = (key: typeof theirs) => key.export({ type: 'spki', format: 'der' }).subarray(-32);
  const salt = Buffer.concat([raw(mine.publicKey), raw(theirs)]);
  const shared = diffieHellman({ privateKey: mine.privateKey, publicKey: theirs });
  const key = Buffer.from(hkdfSync('sha256', shared, salt, 'openlegion-capture-v1', 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([raw(mine.publicKey), nonce, sealed, cipher.getAuthTag()]);
}

test('what an agent sealed to the keeper is stored; with any bit changed, cut, or for another key it is not', () => {
  using setup = setUp();
  const { publicKeyPem } = answered<{ publicKeyPem: string }>(ask(setup.keeper, 'host', 'captureKey', {}));
  const capture = (box: Buffer) =>
    ask(setup.keeper, 'host', 'capture', {
      agent: 'alice',
      name: 'page',
      hosts: ['shop.example'],
      sealed: box.toString('base64'),
    });
  const box = seal(Buffer.from('found-on-a-page'), publicKeyPem);
  const refused = { refused: 'bad_request', rule: 'protocol.shape' };
  for (let index = 0; index < box.length; index += 1) {
    // The highest bit of an X25519 point is not part of it (RFC 7748, 5), but the salt binds it all the same.
    const changed = Buffer.from(box);
    changed[index] = (changed[index] ?? 0) ^ 0x80;
    assert.deepEqual(capture(changed), refused, `byte ${index}`);
    assert.deepEqual(capture(box.subarray(0, index)), refused, `cut to ${index}`);
  }
  const other = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const smallOrder = Buffer.concat([Buffer.alloc(32), box.subarray(32)]);
  const bad = [
    seal(Buffer.from('x'), other),
    smallOrder,
    seal(Buffer.from('a\nb'), publicKeyPem),
    seal(Buffer.alloc(0), publicKeyPem),
    seal(Buffer.from([0xff, 0xfe]), publicKeyPem),
    seal(Buffer.alloc(16_385, 65), publicKeyPem),
  ];
  for (const one of bad) assert.deepEqual(capture(one), refused);
  assert.deepEqual(setup.view('alice'), []);
  assert.deepEqual(capture(box), { name: 'OPENLEGION_CRED_AGENT_ALICE_PAGE', version: 1 });
  assert.equal(setup.egress(named('$CRED{agent_alice_page}')).credential?.secret, 'found-on-a-page');
});

test('keys that are derived are the same after a restart, and different for each agent', () => {
  using setup = setUp();
  const keyOf = (agent: string) =>
    answered<{ privateKeyPem: string }>(ask(setup.keeper, 'gateway', 'authority', { agent })).privateKeyPem;
  const pem = keyOf('alice');
  const key = createPrivateKey(pem);
  assert.deepEqual([key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve], ['ec', 'prime256v1']);
  assert.ok(verify('sha256', Buffer.from('x'), createPublicKey(key), sign('sha256', Buffer.from('x'), key)));
  assert.notEqual(keyOf('bob'), pem);
  assert.deepEqual(ask(setup.keeper, 'gateway', 'authority', { agent: 'stranger' }), {
    refused: 'denied',
    rule: 'vault.policy',
  });
  assert.equal(auditOf(setup.keeper).filter(({ type }) => type === 'authority.released').length, 2);
  const captureKey = ask(setup.keeper, 'host', 'captureKey', {});
  setup.restart();
  assert.equal(keyOf('alice'), pem);
  assert.deepEqual(ask(setup.keeper, 'host', 'captureKey', {}), captureKey);
});

test('webhook signatures of each style are taken as that style writes them, and no other way', () => {
  using setup = setUp();
  answered(putCredential(setup.keeper, HOOK, 'whsec_key', []));
  const body = Buffer.from('{"amount": 1}\u0000é');
  const ts = String(setup.clock.nowMs / 1000);
  const mac = (signed: string, key = 'whsec_key') =>
    createHmac('sha256', key).update(signed).update(body).digest('hex');
  const good: Record<SignatureCheck['style'], [string, string]> = {
    openlegion: [mac(`${ts}.`), ts],
    github: [`sha256=${mac('')}`, ''],
    stripe: [`t=${ts},v0=00,v1=${'0'.repeat(64)},v1=${mac(`${ts}.`)}`, ''],
    slack: [`v0=${mac(`v0:${ts}:`)}`, ts],
  };
  const valid = (style: string, signature: string, timestamp: string, changed = body) =>
    ask(setup.keeper, 'host', 'verifySignature', {
      credential: HOOK,
      style,
      signature,
      timestamp,
      bodyBase64: changed.toString('base64'),
    });
  for (const [style, [signature, timestamp]] of Object.entries(good)) {
    assert.deepEqual(valid(style, signature, timestamp), { valid: true }, style);
    for (let index = 0; index < signature.length; index += 1) {
      const flipped = `${signature.slice(0, index)}${String.fromCharCode(signature.charCodeAt(index) ^ 1)}${signature.slice(index + 1)}`;
      // In what Stripe signs beside v1 (v0, an older v1) a change is none of the signature.
      const isBeside = style === 'stripe' && index > `t=${ts},`.length - 2 && index < signature.length - 67;
      if (!isBeside)
        assert.deepEqual(valid(style, flipped, timestamp), { valid: false }, `${style} ${index}`);
    }
    for (const index of body.keys()) {
      const changed = Buffer.from(body);
      changed[index] = (changed[index] ?? 0) ^ 1;
      assert.deepEqual(
        valid(style, signature, timestamp, changed),
        { valid: false },
        `${style} body ${index}`,
      );
    }
    const wrong = [
      '',
      signature.slice(0, -1),
      `${signature}0`,
      signature.toUpperCase(),
      ` ${signature}`,
      signature.replace(/sha256=|v0=|v1=/g, ''),
      signature.replace('sha256', 'sha1'),
    ];
    for (const other of wrong.filter((one) => one !== signature))
      assert.deepEqual(valid(style, other, timestamp), { valid: false }, `${style} ${other}`);
    for (const other of Object.keys(good).filter((one) => one !== style))
      assert.deepEqual(valid(other, signature, timestamp), { valid: false }, `${style} as ${other}`);
  }
  assert.deepEqual(valid('openlegion', Buffer.from(mac(`${ts}.`), 'hex').toString('base64'), ts), {
    valid: false,
  });
  assert.deepEqual(valid('openlegion', mac(`${ts}.`, 'another'), ts), { valid: false });
});

test('a signed time is taken for 300 s in either direction, and only as it was signed', () => {
  using setup = setUp();
  answered(putCredential(setup.keeper, HOOK, 'k', []));
  const now = setup.clock.nowMs / 1000;
  const check = (style: string, signature: string, timestamp: string) =>
    ask(setup.keeper, 'host', 'verifySignature', {
      credential: HOOK,
      style,
      signature,
      timestamp,
      bodyBase64: '',
    });
  const mac = (signed: string) => createHmac('sha256', 'k').update(signed).digest('hex');
  for (const [age, valid] of [
    [0, true],
    [300, true],
    [301, false],
    [-300, true],
    [-301, false],
    [86_400, false],
  ] as const) {
    const ts = String(now - age);
    assert.deepEqual(check('openlegion', mac(`${ts}.`), ts), { valid }, `openlegion ${age}`);
    assert.deepEqual(check('slack', `v0=${mac(`v0:${ts}:`)}`, ts), { valid }, `slack ${age}`);
    assert.deepEqual(check('stripe', `t=${ts},v1=${mac(`${ts}.`)}`, ''), { valid }, `stripe ${age}`);
  }
  const old = String(now - 1000);
  assert.deepEqual(
    check('stripe', `t=${old},v1=${mac(`${old}.`)},t=${now}`, ''),
    { valid: false },
    'two times',
  );
  assert.deepEqual(
    check('stripe', `t=${old},v1=${mac(`${old}.`)}`, String(now)),
    { valid: false },
    'another time beside',
  );
  for (const ts of ['', '0', '999999999999'])
    assert.deepEqual(check('openlegion', mac(`${ts}.`), ts), { valid: false });
});

test('a system key, or none at all, checks no signature; a flood of bad ones is counted', () => {
  using setup = setUp();
  answered(putCredential(setup.keeper, KEY_NAME, 'sk'));
  answered(putCredential(setup.keeper, HOOK, 'k', []));
  const check = (credential: string) =>
    ask(setup.keeper, 'host', 'verifySignature', {
      credential,
      style: 'github',
      signature: 'x',
      timestamp: '',
      bodyBase64: '',
    });
  for (const name of [KEY_NAME, 'OPENLEGION_CRED_NONE'])
    assert.deepEqual(check(name), { refused: 'not_found', rule: 'vault.credential' });
  for (let tries = 0; tries < 100; tries += 1) assert.deepEqual(check(HOOK), { valid: false });
  assert.equal(auditOf(setup.keeper).filter(({ type }) => type === 'signature.checked').length, 20);
});

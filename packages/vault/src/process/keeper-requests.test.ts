import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentName } from '@openlegion/contract/agent-name';
import { CatalogProvider } from '@openlegion/contract/catalog';
import type { KeeperOperations } from '@openlegion/contract/keeper-protocol';
import { ModelName } from '@openlegion/contract/model-name';
import fc from 'fast-check';
import {
  BINDING,
  egressRequest,
  policyFor,
  reserveRequest,
  settleRequest,
} from '../keeper/test/open-keeper.ts';
import { parseRequest, REQUEST_PARSERS } from './keeper-requests.ts';

const { gateway, host, admin } = REQUEST_PARSERS;
const accepts = (parse: (value: unknown, at: string) => unknown, value: unknown): boolean => {
  try {
    parse(value, '');
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'bad_request', 'a parser throws refusals only');
    return false;
  }
};

/** One valid request of every operation; the type says that none is forgotten. */
const VALID: {
  [R in keyof KeeperOperations]: {
    [O in keyof KeeperOperations[R]]: KeeperOperations[R][O] extends { request: infer Q } ? Q : never;
  };
} = {
  gateway: {
    reserve: reserveRequest(),
    settle: settleRequest('r', 1),
    egress: egressRequest(),
    egressDone: { requestId: 'r', httpStatus: 200, bytesUp: 1, bytesDown: 1 },
    egressRecheck: { requestIds: ['r'] },
    authority: { agent: 'assistant' },
  },
  host: {
    policy: policyFor({ assistant: { daily: 1 } }),
    costs: {},
    checkpoint: { chain: 'host', seq: 1, hash: 'a'.repeat(64) },
    names: {},
    audit: { after: 0, limit: 1 },
    status: {},
    warnings: {},
    vaultView: { agent: 'assistant' },
    generate: { agent: 'assistant', name: 'x', hosts: ['a.example'], length: 16 },
    capture: { agent: 'assistant', name: 'x', hosts: ['a.example:8443'], sealed: 'AAAA' },
    captureKey: {},
    verifySignature: {
      credential: 'OPENLEGION_CRED_X',
      style: 'stripe',
      signature: 't=1,v1=aa',
      timestamp: '1',
      bodyBase64: 'AAA=',
    },
  },
  admin: {
    put: {
      name: 'OPENLEGION_CRED_X',
      value: 'v',
      origins: ['https://a.example'],
      bindings: [BINDING],
      environment: ['X_TOKEN'],
    },
    rotate: { name: 'OPENLEGION_CRED_X', value: 'v' },
    bind: { name: 'OPENLEGION_CRED_X', origins: [], bindings: [BINDING], environment: [] },
    rotateKey: { newKey: Buffer.alloc(32, 3).toString('base64') },
    export: { passphrase: 'twelve characters' },
    import: { passphrase: 'twelve characters', sealed: 'AAAA' },
    remove: { name: 'OPENLEGION_CRED_X' },
    names: {},
    audit: { after: 0, limit: 1 },
    checkpoints: {},
    canaries: { prefix: 'abcdefghijkl', count: 1, origins: [] },
    removeCanaries: {},
    status: {},
  },
};

type AnyParser = (value: unknown, at: string) => unknown;
const PAIRS: { name: string; parse: AnyParser; valid: object }[] = (
  ['gateway', 'host', 'admin'] as const
).flatMap((role) => {
  const valid = new Map<string, object>(Object.entries(VALID[role]));
  return Object.entries<AnyParser>(REQUEST_PARSERS[role]).map(([name, parse]) => ({
    name,
    parse,
    valid: valid.get(name) ?? {},
  }));
});

test('every operation takes its contract form, and not one key more, less or of another type', () => {
  for (const { name, parse, valid } of PAIRS) {
    assert.deepEqual(parse(valid, ''), valid, name);
    assert.equal(accepts(parse, { ...valid, extra: 1 }), false, name);
    for (const value of [null, [], 'x', 1, true]) assert.equal(accepts(parse, value), false, name);
    for (const [key, right] of Object.entries(valid)) {
      const { [key]: _, ...without } = valid as Record<string, unknown>;
      assert.equal(accepts(parse, without), false, `${name} without ${key}`);
      for (const wrong of [
        undefined,
        true,
        {},
        [{}],
        typeof right === 'number' ? '1' : 1,
        Number.NaN,
        -1,
        1.5,
      ])
        assert.equal(accepts(parse, { ...valid, [key]: wrong }), false, `${name}.${key} = ${String(wrong)}`);
    }
  }
});

test('whatever JSON comes, a parser answers with a value or a refusal', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...PAIRS), (value, { parse }) => {
      accepts(parse, value);
      accepts(parseRequest, value);
    }),
  );
});

test('agents, models and names of credentials are what the contract says they are', () => {
  const words = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'abz019-_./:+@AZ ') }),
    fc.constantFrom(
      'mesh',
      'operator',
      'vault',
      'default',
      'user',
      'a'.repeat(63),
      'a'.repeat(64),
      'openai/gpt',
      'a/b\n',
      `a/${'b'.repeat(198)}`,
      `a/${'b'.repeat(199)}`,
    ),
    fc.stringMatching(/^[a-z][a-z0-9-]{0,70}$/),
    fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,70}\/[A-Za-z0-9@][A-Za-z0-9@._:/+-]{0,20}$/),
    fc.stringMatching(/^OPENLEGION_SYSTEM_[A-Z0-9_]{0,110}$/),
  );
  const credential = CatalogProvider.shape.auth.unwrap().shape.credential;
  fc.assert(
    fc.property(words, (word) => {
      assert.equal(
        accepts(gateway.reserve, reserveRequest({ agent: word })),
        AgentName.safeParse(word).success,
        word,
      );
      assert.equal(
        accepts(gateway.reserve, reserveRequest({ model: word })),
        ModelName.safeParse(word).success,
        word,
      );
      assert.equal(accepts(admin.remove, { name: word }), credential.safeParse(word).success, word);
    }),
    { numRuns: 2000 },
  );
});

test('a credential goes to https, to this machine, or to a socket, in one spelling', () => {
  const put = (origin: unknown) => accepts(admin.put, { ...VALID.admin.put, origins: [origin] });
  for (const good of [
    'https://api.openai.com',
    'https://a.example:8443',
    'http://127.0.0.1:9',
    'http://localhost:11434',
    'http://[::1]:1',
    'unix:/run/x/scripted.sock',
  ])
    assert.equal(put(good), true, good);
  const bad = [
    'http://api.openai.com',
    'https://api.openai.com/',
    'https://API.openai.com',
    'https://api.openai.com:443',
    'https://user@api.openai.com',
    'https://*.openai.com',
    'https://',
    'ftp://a.example',
    'file:///etc',
    'data:x',
    'javascript:1',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://127.1:80',
    'http://0x7f000001:9',
    'https://a.example?x',
    'https://a.example#x',
    'https://a.example\n',
    ' https://a.example',
    'unix:run/x',
    'unix:/a/../b',
    'unix:/a\n',
    '',
    'null',
    null,
    `https://${'a'.repeat(300)}.example`,
  ];
  for (const origin of bad) assert.equal(put(origin), false, String(origin));
});

test('a value is 1 byte to 16 KiB of text on one line', () => {
  const put = (value: unknown) => accepts(admin.put, { ...VALID.admin.put, value });
  for (const good of ['x', 'x'.repeat(16_384), 'ключ', ' x ']) assert.equal(put(good), true);
  for (const bad of ['', 'x'.repeat(16_385), 'я'.repeat(8193), 'a\nb', 'a\r', 'a\0b', '\ud800', 7, null])
    assert.equal(put(bad), false);
});

test('a policy names every agent once and a time zone that there is', () => {
  const policy = policyFor({ assistant: { daily: 1 } });
  assert.equal(accepts(host.policy, { ...policy, agents: [...policy.agents, ...policy.agents] }), false);
  for (const timeZone of ['Mars/Olympus', '', '../etc/passwd'])
    assert.equal(accepts(host.policy, { ...policy, timeZone }), false);
  assert.equal(accepts(host.policy, { ...policy, timeZone: 'America/St_Johns' }), true);
});

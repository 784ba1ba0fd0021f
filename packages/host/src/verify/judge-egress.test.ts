import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { judgeAddresses, judgeAuthority, judgeBound, judgeDeny, judgeElsewhere } from './judge-egress.ts';
import { judgeHardened, judgeUsers } from './judge-vault.ts';
import { selfSigned } from './self-signed.ts';
import { type JudgeCase, testCases } from './test/judge-cases.ts';
import type { VaultProcess } from './vault-processes.ts';

const NOTHING = { proxy: '', tls: '', issuer: '', answer: '', error: '' };
const REFUSED = { ...NOTHING, proxy: 'HTTP/1.1 403 Forbidden\r\n\r\n{"type":"openlegion_refusal"}' };
const OPENED = { ...NOTHING, proxy: 'HTTP/1.1 200 OK\r\n\r\n' };
const INSIDE = { ...OPENED, tls: 'verified', answer: REFUSED.proxy };
const FOREIGN = { ...NOTHING, proxy: 'HTTP/1.1 403 Forbidden\r\n\r\nby someone else' };
const ANSWERED = { ...OPENED, tls: 'verified', answer: 'HTTP/1.1 200 OK\r\n\r\nechoed' };
const ASKED = ['CONNECT a', 'CONNECT b'];
const both = (odd: typeof NOTHING) => ({ answers: [REFUSED, odd] });

const VALUE = 'abcdefghijkl0123456789ABCDEFGHIJKLMNOPQR';
const sent = (authorization = `Bearer ${VALUE}`) => [{ host: 'a', path: '/', authorization }];
const cameBack = (text: string) => [{ ...ANSWERED, answer: `${ANSWERED.answer}${text}` }];

const inPieces = (text: string) => {
  const chunks = [...`echoed ${text}`].map((character) => `1\r\n${character}\r\n`).join('');
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  return [{ ...ANSWERED, answer: `${head}${chunks}0\r\nx-trailer: 1\r\n\r\n` }];
};

const vault = (changed: Partial<VaultProcess> = {}): VaultProcess[] => [
  { name: 'keeper', pid: 1, uid: 501, coreLimit: '0/0', commandLine: FLAGS, ...changed },
  { name: 'gateway', pid: 2, uid: 502, coreLimit: '0/0', commandLine: FLAGS },
];
const FLAGS = ['node', '--permission', '--disable-sigusr1', 'main.ts'];

const CASES: JudgeCase[] = [
  {
    id: 'egress.default-deny',
    good: judgeDeny(ASKED, both(REFUSED)),
    bad: {
      opened: judgeDeny(ASKED, both(OPENED)),
      'refused by another': judgeDeny(ASKED, both(FOREIGN)),
      silent: judgeDeny(ASKED, both(NOTHING)),
      'one answer missing': judgeDeny(ASKED, { answers: [REFUSED] }),
      'nothing asked': judgeDeny([], { answers: [] }),
    },
  },
  {
    id: 'egress.private-addresses',
    good: judgeAddresses(ASKED, both(INSIDE), 0),
    bad: {
      answered: judgeAddresses(ASKED, both(ANSWERED), 0),
      arrived: judgeAddresses(ASKED, both(REFUSED), 1),
      'tunnel left open': judgeAddresses(ASKED, both(OPENED), 0),
    },
  },
  {
    id: 'egress.own-authority',
    good: judgeAuthority(ANSWERED, { ...OPENED, error: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }),
    bad: {
      'not its own': judgeAuthority({ ...OPENED, error: 'SELF_SIGNED_CERT_IN_CHAIN' }, OPENED),
      'one for all': judgeAuthority(ANSWERED, ANSWERED),
      unanswered: judgeAuthority(undefined, OPENED),
    },
  },
  {
    id: 'egress.bound-credential',
    good: judgeBound(sent(), cameBack('')),
    bad: {
      raw: judgeBound(sent(), cameBack(VALUE)),
      base64: judgeBound(sent(), cameBack(Buffer.from(`Bearer ${VALUE}`).toString('base64'))),
      percent: judgeBound(sent(), cameBack(VALUE.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16)}`))),
      'in pieces': judgeBound(sent(), inPieces(VALUE)),
      'placeholder sent on': judgeBound(sent(`Bearer olp_${'a'.repeat(40)}`), cameBack('')),
      'two values': judgeBound([...sent(), ...sent('Bearer none')], cameBack('')),
      'nothing arrived': judgeBound([], cameBack('')),
      'nothing came back': judgeBound(sent(), [OPENED]),
    },
  },
  {
    id: 'egress.placeholder-elsewhere',
    good: judgeElsewhere(['a'], { answers: [INSIDE] }, []),
    bad: {
      passed: judgeElsewhere(['a'], { answers: [ANSWERED] }, []),
      arrived: judgeElsewhere(['a'], { answers: [INSIDE] }, sent()),
      'nothing tried': judgeElsewhere([], { answers: [] }, []),
    },
  },
  {
    id: 'credentials.vault-hardened',
    good: judgeHardened(vault()),
    bad: {
      dumps: judgeHardened(vault({ coreLimit: '0/unlimited' })),
      'not known': judgeHardened(vault({ coreLimit: null })),
      'no permission model': judgeHardened(vault({ commandLine: ['node', '--disable-sigusr1'] })),
      'inspector on a signal': judgeHardened(vault({ commandLine: ['node', '--permission'] })),
      inspector: judgeHardened(vault({ commandLine: [...FLAGS, '--inspect=0'] })),
      'other programs': judgeHardened(vault({ commandLine: [...FLAGS, '--allow-child-process'] })),
      'one is missing': judgeHardened(vault().slice(1)),
    },
  },
  {
    id: 'credentials.vault-users',
    good: judgeUsers(vault(), [0]),
    bad: {
      shared: judgeUsers(vault({ uid: 502 }), [0]),
      root: judgeUsers(vault({ uid: 0 }), [0]),
    },
  },
];

testCases(/^(?:egress\.|credentials\.vault-)/, CASES);

test('without root the vault cannot have users of its own, and that is said', () => {
  assert.equal(judgeUsers(vault({ uid: 502 }), [502]).verdict, 'cannot_be_given');
});

test('evidence never holds the credential', () => {
  assert.ok(!JSON.stringify(judgeBound(sent(), cameBack(VALUE))).includes(VALUE));
});

test('the echo’s certificate is for its names, for a day, and signs nothing', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const certificate = new X509Certificate(selfSigned(['a.example', 'b.example'], now).certificatePem);
  assert.equal(certificate.subjectAltName, 'DNS:a.example, DNS:b.example');
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.ca, false);
  const hours = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 3600_000;
  assert.equal(hours, 25);
});

test('an answer in pieces is read whole', () => {
  assert.equal(judgeBound(sent(), inPieces('nothing')).verdict, 'holds');
});

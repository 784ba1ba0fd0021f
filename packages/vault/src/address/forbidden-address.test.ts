import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { createDialer } from '../gateway/egress/dial.ts';
import { createEgressClock } from '../gateway/egress/egress-clock.ts';
import { isPinnable, isPublic } from './forbidden-address.ts';
import { type Place, parseAuthority, parseHost } from './read-place.ts';

/** First and last of each range, and the addresses at which clouds tell a machine its secrets. */
const FORBIDDEN_4 = [
  ...['0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.1'],
  ...['127.255.255.254', '169.254.0.1', '169.254.169.254', '169.254.170.2', '172.16.0.1', '172.31.255.255'],
  ...['192.0.0.8', '192.0.0.170', '192.0.0.192', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1'],
  ...['192.168.0.1', '192.168.255.255', '192.175.48.1', '198.18.0.1', '198.19.255.255', '198.51.100.1'],
  ...['203.0.113.7', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '100.100.100.200'],
  ...[
    '168.63.129.16',
    '10.1.2.3',
    '127.127.127.127',
    '192.168.1.254',
    '172.17.0.1',
    '100.96.1.1',
    '169.254.254.1',
  ],
];
const FORBIDDEN_6 = [
  ...[
    '::',
    '::1',
    '::2',
    'fc00::1',
    'fd00::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::1',
    'febf::1',
    'fec0::1',
  ],
  ...['ff02::1', 'ff0e::1', '100::1', '2001::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:db8::1'],
  ...['3fff::1', '5f00::1', '4000::1', '8000::1', 'e000::1', '2002:808:808::1', '64:ff9b::808:808'],
  ...['64:ff9b:1::808:808', '2620:4f:8000::1'],
];

function spellings4(address: string): string[] {
  const bytes = address.split('.').map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (n: number, width = 0): string => n.toString(16).padStart(width, '0');
  const octal = (n: number): string => `0${n.toString(8)}`;
  const [high, low] = [hex(a * 256 + b), hex(c * 256 + d)];
  const dotted = [
    address,
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${whole}`,
    `0x${hex(whole)}`,
    `0X${hex(whole, 8).toUpperCase()}`,
    octal(whole),
    bytes.map((n) => `0x${hex(n)}`).join('.'),
    bytes.map((n) => `0x${hex(n, 2).toUpperCase()}`).join('.'),
    bytes.map((n) => `0x0000${hex(n)}`).join('.'),
    bytes.map(octal).join('.'),
    bytes.map((n) => `000${octal(n)}`).join('.'),
    `${a}.${b}.0x${hex(c)}.${octal(d)}`,
    `0x${hex(a)}.${b}.${c * 256 + d}`,
    `${octal(a)}.0x${hex((b * 256 + c) * 256 + d)}`,
  ];
  const in6 = [
    `::ffff:${address}`,
    `::ffff:${high}:${low}`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `0000:0000:0000:0000:0000:FFFF:${high.padStart(4, '0')}:${low.padStart(4, '0')}`,
    `::${address}`,
    `::${high}:${low}`,
    `::ffff:0:${high}:${low}`,
    `64:ff9b::${address}`,
    `64:ff9b::${high}:${low}`,
    `64:FF9B:1::${high}:${low}`,
    `2002:${high}:${low}::`,
    `2002:${high}:${low}::1`,
    `2001:0:${high}:${low}::1`,
    `2001::${hex(0xffff - a * 256 - b)}:${hex(0xffff - c * 256 - d)}`,
  ];
  return [...dotted, ...dotted.map((text) => `${text}.`), ...in6.map((text) => `[${text}]`)];
}

function spellings6(address: string): string[] {
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const zeros = Array<string>(8 - groups(left).length - groups(right).length).fill('0');
  const all = [...groups(left), ...zeros, ...groups(right)];
  const texts = [
    address,
    address.toUpperCase(),
    all.join(':'),
    all.map((group) => group.padStart(4, '0')).join(':'),
    all.map((group) => group.padStart(4, '0').toUpperCase()).join(':'),
  ];
  return texts.map((text) => `[${text}]`);
}

/** What else is tried with an address in it: blanks, user names, escapes, zones. */
const disguised = (text: string): string[] => [
  ...[`${text}%00`, `${text}\0.example.com`, `a@${text}`, `${text}#.example.com`, ` ${text}`, `${text}\t`],
  ...[
    text.replace(/[0-9]/, (digit) => `%3${digit}`),
    `${text}/`,
    `${text}?`,
    `${text}\\`,
    `${text}\r\nHost: x`,
  ],
  ...[
    text.replaceAll('.', '\u3002'),
    text.replace(/[0-9]/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  ],
  ...(text.startsWith('[')
    ? [text.replace(']', '%25eth0]'), text.replace(']', '%eth0]'), text.slice(1, -1)]
    : []),
];

const PLAIN = [...FORBIDDEN_4.flatMap(spellings4), ...FORBIDDEN_6.flatMap(spellings6)];
const ALL = [
  ...PLAIN,
  ...FORBIDDEN_4.flatMap(disguised),
  ...FORBIDDEN_6.map((text) => `[${text}]`).flatMap(disguised),
];

/** Fails the test at any attempt to look a name up: none of these is one. */
const dialer = (answers?: string[]) =>
  createDialer({
    clock: createEgressClock(),
    resolve: async (host) => {
      if (!answers) assert.fail(`${host} was looked up`);
      return answers;
    },
  });

async function assertRefused(place: Place, answers?: string[]): Promise<void> {
  await assert.rejects(
    dialer(answers).dial(place, false),
    { code: 'denied', rule: 'egress.address', message: `${place.host} has no public address.` },
    JSON.stringify(answers ?? place),
  );
}

test(`no spelling of a forbidden address is dialled as a host`, async () => {
  assert.ok(ALL.length > 2000, `${ALL.length}`);
  let refused = 0;
  for (const text of ALL) {
    const place = parseAuthority(`${text}:443`, null);
    if (place) {
      assert.notEqual(isIP(place.host), 0, `${JSON.stringify(text)} was read as the name ${place.host}`);
      await assertRefused(place);
    }
    refused += 1;
  }
  assert.equal(refused, ALL.length);
});

test('no spelling of a forbidden address is dialled as an answer, alone or among public ones', async () => {
  const place = { host: 'rebind.example', port: 443 };
  const answers = PLAIN.map((text) => text.replace(/^\[|\]$/g, ''));
  assert.ok(answers.length > 1500, `${answers.length}`);
  for (const answer of answers) {
    await assertRefused(place, [answer]);
    await assertRefused(place, ['8.8.8.8', '2606:4700::1111', answer]);
    await assertRefused(place, [answer, '8.8.8.8']);
  }
  const many = Array.from({ length: 40 }, (_, n) => `8.8.8.${n}`);
  await assertRefused(place, [...many, '10.0.0.1']);
  await assertRefused(place, ['8.8.8.8', 'fd00::1']);
  await assertRefused(place, []);
});

test('a name that turns private is refused at the next dial; each dial asks once', async () => {
  const asked: string[] = [];
  const rebinding = createDialer({
    clock: createEgressClock(),
    resolve: async (host) => {
      asked.push(host);
      return asked.length === 1 ? ['not an address'] : ['127.0.0.1'];
    },
  });
  for (const _ of [1, 2])
    await assert.rejects(rebinding.dial({ host: 'rebind.example', port: 443 }, true), {
      rule: 'egress.address',
    });
  assert.deepEqual(asked, ['rebind.example', 'rebind.example']);
});

test('a name that cannot be looked up is answered like one that is private', async () => {
  const lost = createDialer({
    clock: createEgressClock(),
    resolve: () => Promise.reject(new Error('SERVFAIL')),
  });
  const one = await lost.dial({ host: 'a.example', port: 443 }, true).catch((error: unknown) => error);
  const other = await dialer(['10.0.0.1'])
    .dial({ host: 'a.example', port: 443 }, true)
    .catch((error: unknown) => error);
  assert.deepEqual(one, other);
});

test('an operator may pin a private address, and never a metadata address', async () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '192.168.1.1',
    '::1',
    'fd00::1',
    '8.8.8.8',
    '2606:4700::1111',
  ])
    assert.equal(isPinnable(address), true, address);
  const metadata = [
    ...[
      '169.254.169.254',
      '169.254.170.2',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      'fd00:ec2::254',
    ],
    ...['fd20:ce::254', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::a9fe:a9fe', '64:ff9b::a9fe:a9fe'],
    ...[
      '2002:a9fe:a9fe::1',
      '64:ff9b:1::a9fe:a9fe',
      'fe80::1',
      'fe80::1%eth0',
      '0.0.0.0',
      '::',
      '2852039166',
      'x',
    ],
  ];
  for (const address of metadata) {
    assert.equal(isPinnable(address), false, address);
    const pinned = dialer();
    pinned.configure({ extraRootsPem: null, hosts: [{ host: 'meta.example', address, port: null }] });
    await assert.rejects(
      pinned.dial({ host: 'meta.example', port: 80 }, false),
      { rule: 'egress.address' },
      address,
    );
  }
});

test('public addresses are public', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '198.20.0.1',
    '2606:4700::1111',
  ])
    assert.equal(isPublic(address), true, address);
});

test('one reading of a host: what is decided is what is dialled', () => {
  const same: [string, string][] = [
    ['EXAMPLE.com', 'example.com'],
    ['example.com.', 'example.com'],
    ['b\u00fccher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['0x08.8.8.8', '8.8.8.8'],
    ['134744072', '8.8.8.8'],
    ['[2606:4700:0:0:0:0:0:1111]', '2606:4700::1111'],
    ['_dmarc.example.com', '_dmarc.example.com'],
  ];
  for (const [text, host] of same) assert.equal(parseHost(text), host, text);
  const refused = [
    ...[
      '',
      '.',
      '..',
      'a..b',
      'a.com..',
      '-a.com',
      'a-.com',
      'a b',
      'a\0b',
      'a%00b',
      'a%2eb',
      'a@b',
      'a:b',
      'a/b',
    ],
    ...[
      'a\\b',
      'a#b',
      'a?b',
      '[::1',
      '::1]',
      '[::1]x',
      '[1.2.3.4]',
      '[fe80::1%25lo]',
      'a\r\nb',
      '1.2.3.4.5',
      '256.1.1.1',
    ],
    ...[`${'a'.repeat(64)}.com`, `${'a.'.repeat(130)}com`, '*.example.com', 'a,b', "a'b", 'a;b', '{a}'],
  ];
  for (const text of refused) assert.equal(parseHost(text), null, JSON.stringify(text));
  const ports = [
    'a:0',
    'a:65536',
    'a:',
    'a:443x',
    'a:+443',
    'a:0443',
    'a:443:443',
    'a: 443',
    'a',
    ':443',
    'u@a:443',
  ];
  for (const text of ports) assert.equal(parseAuthority(text, null), null, text);
  assert.deepEqual(parseAuthority('[2606:4700::1111]:8443', null), { host: '2606:4700::1111', port: 8443 });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthorities } from '../gateway/egress/authorities.ts';
import { createFakeEgressKeeper } from '../gateway/egress/test/fake-egress-keeper.ts';
import { authorityCertificate, leafCertificate } from './issue-certificate.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const HOSTS = [
  'example.com',
  'a_b.example.com',
  'xn--bcher-kva.example',
  `${'a'.repeat(60)}.${'b'.repeat(60)}.example.com`,
  '192.0.2.7',
  '2606:4700::1111',
  '::1',
];

test('leaves are for one host, hold under the authority, and are taken by OpenSSL at its strictest', () => {
  const authority = { agent: `a${'b'.repeat(62)}`, key: newKey().privateKey };
  const root = new X509Certificate(authorityCertificate(authority));
  assert.equal(root.ca, true);
  assert.ok(root.verify(root.publicKey));
  const directory = mkdtempSync(join(tmpdir(), 'leaf-'));
  writeFileSync(join(directory, 'root.pem'), authorityCertificate(authority));
  for (const host of HOSTS) {
    const pem = leafCertificate(authority, host, newKey().publicKey, Date.now());
    const leaf = new X509Certificate(pem);
    assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey));
    assert.equal(leaf.ca, false);
    const isAddress = host.includes(':') || /^\d/.test(host);
    assert.ok(isAddress ? leaf.checkIP(host) : leaf.checkHost(host), host);
    assert.equal(leaf.checkHost('other.example'), undefined);
    const life = leaf.validToDate.getTime() - leaf.validFromDate.getTime();
    assert.ok(life <= 26 * 3_600_000);
    writeFileSync(join(directory, 'leaf.pem'), pem);
    const checked = spawnSync('openssl', [
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(directory, 'root.pem')],
      ...(isAddress ? ['-verify_ip', host] : ['-verify_hostname', host]),
      join(directory, 'leaf.pem'),
    ]);
    assert.equal(checked.status, 0, `${host}: ${checked.stderr} ${checked.stdout}`);
  }
  rmSync(directory, { recursive: true });
});

test("no agent's authority is worth anything to another", () => {
  const [one, other] = ['one', 'other'].map((agent) => ({ agent, key: newKey().privateKey }));
  assert.ok(one && other);
  const leaf = new X509Certificate(leafCertificate(one, 'example.com', newKey().publicKey, Date.now()));
  const root = new X509Certificate(authorityCertificate(other));
  assert.equal(leaf.verify(root.publicKey), false);
  assert.equal(leaf.checkIssued(root), false);
});

test('a gateway that was restarted issues what holds under the certificate of before', async () => {
  const fake = createFakeEgressKeeper();
  const before = new X509Certificate(
    await createAuthorities({ ...fake, now: Date.now }).certificateOf('researcher'),
  );
  const authority = { agent: 'researcher', key: createPrivateKey(fake.authorities.get('researcher') ?? '') };
  const after = new X509Certificate(
    await createAuthorities({ ...fake, now: Date.now }).certificateOf('researcher'),
  );
  const leaf = new X509Certificate(leafCertificate(authority, 'example.com', newKey().publicKey, Date.now()));
  for (const root of [before, after]) assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey));
  assert.equal(before.subject, after.subject);
  assert.equal(before.serialNumber, after.serialNumber);
});

test('a leaf is made once and again after half of its life; a refusal of the keeper is not kept', async () => {
  const fake = createFakeEgressKeeper();
  let now = Date.now();
  const authorities = createAuthorities({ keeper: fake.keeper, now: () => now });
  fake.away = true;
  await assert.rejects(authorities.leaf('researcher', 'example.com'), { code: 'unavailable' });
  fake.away = false;
  const first = await authorities.leaf('researcher', 'example.com');
  assert.equal(await authorities.leaf('researcher', 'example.com'), first);
  assert.notEqual(await authorities.leaf('researcher', 'other.example'), first);
  assert.notEqual(await authorities.leaf('writer', 'example.com'), first);
  now += 13 * 3_600_000;
  assert.notEqual(await authorities.leaf('researcher', 'example.com'), first);
});

test('an authority with a key of another kind is none', async () => {
  const fake = createFakeEgressKeeper();
  const { privateKey } = generateKeyPairSync('ed25519');
  fake.authorities.set('researcher', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await assert.rejects(createAuthorities({ ...fake, now: Date.now }).certificateOf('researcher'));
});

import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { bits, element, integer, octets, sequence, utcTime } from './der.ts';

/** An agent's own authority: what it signs is worth something in that agent's container alone. */
export interface Authority {
  agent: string;
  /** P-256, from the keeper. */
  key: KeyObject;
}

/** Object identifiers, whole. */
const ID = {
  ecdsaWithSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  organizationalUnit: '060355040b',
  subjectKeyIdentifier: '0603551d0e',
  keyUsage: '0603551d0f',
  subjectAlternativeName: '0603551d11',
  basicConstraints: '0603551d13',
  authorityKeyIdentifier: '0603551d23',
  extendedKeyUsage: '0603551d25',
  serverAuthentication: '06082b06010505070301',
};
const id = (name: keyof typeof ID): Buffer => Buffer.from(ID[name], 'hex');
const TRUE = element(0x01, Buffer.from([0xff]));

/**
 * The certificate that an agent's container trusts. Name, key and key id depend on the agent and its key alone, so
 * what is issued after a restart holds under the certificate of before.
 */
export function authorityCertificate(authority: Authority): string {
  return certificate(authority, {
    serial: keyId(spkiOf(authority.key)),
    subject: nameOf(authority),
    from: Date.UTC(2020, 0, 1),
    until: Date.UTC(2049, 0, 1),
    spki: spkiOf(authority.key),
    extensions: [
      extension('basicConstraints', sequence(TRUE, integer(Buffer.from([0]))), TRUE),
      // keyCertSign, cRLSign.
      extension('keyUsage', bits(1, 0x06), TRUE),
    ],
  });
}

const HOUR_MS = 3_600_000;
/** A leaf holds from an hour ago (clocks differ) for a day. */
export const LEAF_LIFE_MS = 24 * HOUR_MS;

/** A server's certificate for one host, a name or an address, under the agent's authority. */
export function leafCertificate(authority: Authority, host: string, leafKey: KeyObject, now: number): string {
  const name = isIP(host) ? element(0x87, addressBytes(host)) : element(0x82, Buffer.from(host));
  return certificate(authority, {
    serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
    subject: sequence(attribute('commonName', host.length > 64 ? 'egress' : host)),
    from: now - HOUR_MS,
    until: now + LEAF_LIFE_MS,
    spki: spkiOf(leafKey),
    extensions: [
      extension('basicConstraints', sequence(), TRUE),
      // digitalSignature.
      extension('keyUsage', bits(7, 0x80), TRUE),
      extension('extendedKeyUsage', sequence(id('serverAuthentication'))),
      extension('subjectAlternativeName', sequence(name)),
      extension('authorityKeyIdentifier', sequence(element(0x80, keyId(spkiOf(authority.key))))),
    ],
  });
}

/** RFC 5280, section 4.1. */
function certificate(
  issuer: Authority,
  of: { serial: Buffer; subject: Buffer; from: number; until: number; spki: Buffer; extensions: Buffer[] },
): string {
  const algorithm = sequence(id('ecdsaWithSha256'));
  const extensions = [...of.extensions, extension('subjectKeyIdentifier', octets(keyId(of.spki)))];
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(of.serial),
    algorithm,
    nameOf(issuer),
    sequence(utcTime(of.from), utcTime(of.until)),
    of.subject,
    of.spki,
    element(0xa3, sequence(...extensions)),
  );
  const whole = sequence(body, algorithm, bits(0, ...sign('sha256', body, issuer.key)));
  const lines = whole.toString('base64').replace(/.{64}(?!$)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const extension = (name: keyof typeof ID, value: Buffer, critical: Buffer = Buffer.alloc(0)): Buffer =>
  sequence(id(name), critical, octets(value));

/** One name a certificate authority: the agent's is in OU, which takes 64 characters. */
const nameOf = ({ agent }: Authority): Buffer =>
  sequence(attribute('organizationalUnit', agent), attribute('commonName', 'OpenLegion agent authority'));

const attribute = (name: keyof typeof ID, text: string): Buffer =>
  element(0x31, sequence(id(name), element(0x0c, Buffer.from(text))));

const spkiOf = (key: KeyObject): Buffer =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });

/** Twenty bytes of a hash of the whole key, as RFC 7093 allows; with a first byte that makes a serial number of it too. */
const keyId = (spki: Buffer): Buffer =>
  Buffer.concat([Buffer.from([1]), createHash('sha256').update(spki).digest().subarray(0, 19)]);

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const groups = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const [left = [], right = []] = groups;
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

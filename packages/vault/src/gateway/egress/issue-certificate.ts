import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { bits, integer, named, octets, oid, sequence, set, TRUE, tagged, utcTime, utf8 } from './der.ts';

/** An agent's own authority: what it signs is worth something in that agent's container alone. */
export interface Authority {
  agent: string;
  /** P-256, from the keeper. */
  key: KeyObject;
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/**
 * The certificate that an agent's container trusts. Name, key and key id depend on the agent and its key alone, so
 * what is issued after a restart holds under the certificate of before.
 */
export function authorityCertificate({ agent, key }: Authority): string {
  const spki = publicKeyOf(key);
  return certificate({
    serial: keyId(spki),
    issuer: nameOf(agent),
    subject: nameOf(agent),
    from: Date.UTC(2020, 0, 1),
    until: Date.UTC(2049, 0, 1),
    spki,
    key,
    extensions: [
      extension('2.5.29.19', true, sequence(TRUE, integer(Buffer.from([0])))),
      // keyCertSign, cRLSign.
      extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1)),
      extension('2.5.29.14', false, octets(keyId(spki))),
    ],
  });
}

const HOUR_MS = 3_600_000;
/** A leaf holds from an hour ago (clocks differ) for a day. */
export const LEAF_LIFE_MS = 24 * HOUR_MS;

/** A server's certificate for one host, a name or an address, under the agent's authority. */
export function leafCertificate(authority: Authority, host: string, leafKey: KeyObject, now: number): string {
  const spki = publicKeyOf(leafKey);
  return certificate({
    // 127 bits, positive: RFC 5280 allows at most 20 bytes.
    serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
    issuer: nameOf(authority.agent),
    subject: sequence(attribute('2.5.4.3', host.length > 64 ? 'egress' : host)),
    from: now - HOUR_MS,
    until: now + LEAF_LIFE_MS,
    spki,
    key: authority.key,
    extensions: [
      extension('2.5.29.19', true, sequence()),
      // digitalSignature.
      extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)),
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
      extension(
        '2.5.29.17',
        false,
        sequence(isIP(host) ? named(7, addressBytes(host)) : named(2, Buffer.from(host))),
      ),
      extension('2.5.29.14', false, octets(keyId(spki))),
      extension('2.5.29.35', false, sequence(named(0, keyId(publicKeyOf(authority.key))))),
    ],
  });
}

interface CertificateFacts {
  serial: Buffer;
  issuer: Buffer;
  subject: Buffer;
  from: number;
  until: number;
  spki: Buffer;
  /** The issuer's. */
  key: KeyObject;
  extensions: Buffer[];
}

/** RFC 5280, section 4.1. */
function certificate(facts: CertificateFacts): string {
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(facts.serial),
    ECDSA_WITH_SHA256,
    facts.issuer,
    sequence(utcTime(facts.from), utcTime(facts.until)),
    facts.subject,
    facts.spki,
    tagged(3, sequence(...facts.extensions)),
  );
  const whole = sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, facts.key)));
  const lines = whole.toString('base64').replace(/.{64}(?!$)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));
}

/** One name a certificate authority: the agent's is in OU, which takes 64 characters. */
function nameOf(agent: string): Buffer {
  return sequence(attribute('2.5.4.11', agent), attribute('2.5.4.3', 'OpenLegion agent authority'));
}

function attribute(id: string, text: string): Buffer {
  return set(sequence(oid(id), utf8(text)));
}

function publicKeyOf(key: KeyObject): Buffer {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });
}

/** RFC 7093, method 1: the leftmost 160 bits of the hash, here of the whole SubjectPublicKeyInfo; never negative. */
function keyId(spki: Buffer): Buffer {
  const id = createHash('sha256').update(spki).digest().subarray(0, 20);
  id[0] = ((id[0] ?? 0) & 0x7f) | 0x40;
  return id;
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [left = '', right] = address.split('::');
  const groups = (text = ''): string[] => (text === '' ? [] : text.split(':'));
  const zeros = right === undefined ? 0 : 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array<string>(zeros).fill('0'), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

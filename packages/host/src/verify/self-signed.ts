import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const ECDSA_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const HOURS_VALID = 24;

/**
 * A key and a certificate (X.509, RFC 5280) for `names`, signed by itself and valid for a day. It is no authority:
 * who trusts it trusts these names and can sign nothing with it.
 */
export function selfSigned(names: readonly string[], now: Date): { keyPem: string; certificatePem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(names[0] ?? 'nobody')))));
  const alternatives = sequence(...names.map((one) => tlv(0x82, Buffer.from(one))));
  const serial = randomBytes(16);
  serial[0] = 1;
  const signed = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ECDSA_SHA256,
    name,
    sequence(utcTime(now, -1), utcTime(now, HOURS_VALID)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(sequence(SUBJECT_ALT_NAME, tlv(0x04, alternatives)))),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', signed, privateKey)]));
  const der = sequence(signed, ECDSA_SHA256, signature);
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificatePem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function utcTime(now: Date, hours: number): Buffer {
  const at = new Date(now.getTime() + hours * 3600_000).toISOString();
  return tlv(0x17, Buffer.from(`${at.slice(2).replace(/[-:T]/g, '').slice(0, 12)}Z`));
}

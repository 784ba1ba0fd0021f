import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import * as parse from '../process/strict-parser.ts';

const { integer, listOf, malformed, nullable, strictObject, text } = parse;

const pem: parse.Parser<string> = (value, at) => {
  const given = text(1_000_000)(value, at);
  const [, ...certificates] = given.split('-----BEGIN CERTIFICATE-----');
  try {
    if (certificates.length === 0) throw malformed(at, 'certificates');
    for (const each of certificates) new X509Certificate(`-----BEGIN CERTIFICATE-----${each}`);
  } catch {
    throw malformed(at, 'certificates as PEM');
  }
  return given;
};

const address: parse.Parser<string> = (value, at) => {
  const given = text(45)(value, at);
  if (isIP(given) === 0) throw malformed(at, 'an address');
  return given;
};

/** What the operator configured under `egress`. Throws `bad_request`, also for roots that are no certificates. */
export const parseEgressSettings: parse.Parser<EgressSettings> = strictObject<EgressSettings>({
  extraRootsPem: nullable(pem),
  hosts: listOf(
    strictObject<EgressSettings['hosts'][number]>({
      host: text(253, /^[a-z0-9._-]+$/, 'a host name in lower case'),
      address,
      port: nullable(integer(1, 65_535)),
    }),
    1000,
  ),
  requestsPerMinute: integer(1, 1_000_000),
  bytesPerMinute: integer(1),
  connections: integer(1, 48),
});

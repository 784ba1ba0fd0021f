import { createSecureContext } from 'node:tls';
import type { EgressSettings } from '@openlegion/contract/gateway-protocol';
import {
  integer,
  listOf,
  malformed,
  nullable,
  type Parser,
  strictObject,
  text,
} from '../process/strict-parser.ts';

const pem: Parser<string> = (value, at) => {
  const given = text(1_000_000)(value, at);
  try {
    if (/-----BEGIN CERTIFICATE-----/.test(given)) createSecureContext({ ca: given });
    else throw malformed(at, 'certificates as PEM');
  } catch {
    throw malformed(at, 'certificates as PEM');
  }
  return given;
};

/** What the operator configured under `egress`. Throws `bad_request`, also for roots that no TLS could be made with. */
export const parseEgressSettings: Parser<EgressSettings> = strictObject<EgressSettings>({
  extraRootsPem: nullable(pem),
  hosts: listOf(
    strictObject<EgressSettings['hosts'][number]>({
      host: text(253, /^[a-z0-9._-]+$/, 'a host name in lower case'),
      address: text(45, /^[0-9a-f.:]+$/i, 'an address'),
      port: nullable(integer(1, 65_535)),
    }),
    1000,
  ),
  requestsPerMinute: integer(1, 1_000_000),
  bytesPerMinute: integer(1),
  connections: integer(1, 48),
});

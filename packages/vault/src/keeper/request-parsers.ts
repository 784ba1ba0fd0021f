import type { KeeperOperations, KeeperRequest, Policy } from '@openlegion/contract/keeper-protocol';
import {
  integer,
  listOf,
  malformed,
  nullable,
  oneOf,
  type Parser,
  strictObject,
  text,
} from '../process/strict-parser.ts';
import { isTimeZone } from './calendar.ts';
import { credentialName } from './credential-name.ts';
import { credentialOrigin } from './credential-origin.ts';

const count = integer(0);
const RESERVED = new Set(['mesh', 'operator', 'vault', 'default', 'user']);
const agentPattern = text(63, /^[a-z][a-z0-9-]{0,62}$/, "an agent's name");
const agentName: Parser<string> = (value, at) => {
  const name = agentPattern(value, at);
  if (RESERVED.has(name)) throw malformed(at, 'a name that is not reserved');
  return name;
};
const modelName = text(
  200,
  /^[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9@][A-Za-z0-9@._:/+-]*$/,
  'a model as provider/model',
);
const visible = (max: number) => text(max, /^[\x21-\x7e]*$/, 'visible ASCII characters');
const hash = text(64, /^[0-9a-f]{64}$/, '64 hexadecimal digits');
const nothing = strictObject<Record<never, never>>({});
const origins = listOf(credentialOrigin, 20);

/** What can be put into a header whole, and read from a terminal. */
const secretValue: Parser<string> = (value, at) => {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  const fits = bytes >= 1 && bytes <= 16_384;
  if (typeof value !== 'string' || !fits || /[\0\r\n]/.test(value) || !value.isWellFormed())
    throw malformed(at, '1 to 16384 bytes of text on one line, without NUL');
  return value;
};

const policyShape = strictObject<Policy>({
  timeZone: (value, at) => {
    const name = text(100)(value, at);
    if (!isTimeZone(name)) throw malformed(at, 'a time zone like Europe/Berlin');
    return name;
  },
  fleet: strictObject({ dailyMicroUsd: count, monthlyMicroUsd: count }),
  agents: listOf(
    strictObject({
      name: agentName,
      team: nullable(agentName),
      dailyMicroUsd: count,
      monthlyMicroUsd: count,
      apis: listOf(text(200), 500),
      models: listOf(modelName, 500),
    }),
    10_000,
  ),
});

/** No agent twice: which of two limits held would depend on their order. */
export const parsePolicy: Parser<Policy> = (value, at) => {
  const policy = policyShape(value, at);
  if (new Set(policy.agents.map(({ name }) => name)).size !== policy.agents.length)
    throw malformed(`${at}.agents`, 'every agent once');
  return policy;
};

/** The arguments of each operation, by the role that may ask for it. */
export const REQUEST_PARSERS: {
  [R in keyof KeeperOperations]: {
    [O in keyof KeeperOperations[R]]: KeeperOperations[R][O] extends { request: infer Q } ? Parser<Q> : never;
  };
} = {
  gateway: {
    reserve: strictObject({
      agent: agentName,
      traceId: visible(100),
      model: modelName,
      origin: visible(300),
      credential: nullable(credentialName),
      inputMicroUsd: count,
      outputTokens: count,
      minOutputTokens: count,
      outputMicroUsdPerMillion: count,
    }),
    settle: strictObject({
      reservationId: visible(100),
      chargedMicroUsd: count,
      inputTokens: integer(0, 1e12),
      outputTokens: integer(0, 1e12),
      source: oneOf('provider', 'estimate', 'reservation', 'none'),
      httpStatus: integer(0, 999),
    }),
  },
  host: {
    policy: parsePolicy,
    costs: nothing,
    checkpoint: strictObject({ chain: oneOf('host'), seq: count, hash }),
    names: nothing,
    audit: strictObject({ after: count, limit: integer(1, 10_000) }),
    status: nothing,
  },
  admin: {
    put: strictObject({ name: credentialName, value: secretValue, origins }),
    remove: strictObject({ name: credentialName }),
    names: nothing,
    audit: strictObject({ after: count, limit: integer(1, 10_000) }),
    checkpoints: nothing,
    canaries: strictObject({
      prefix: text(40, /^[A-Za-z0-9]{12,40}$/, '12 to 40 letters and digits'),
      count: integer(1, 100),
      origins,
    }),
    removeCanaries: nothing,
    status: nothing,
  },
};

/** The envelope: what every line must be. */
export const parseRequest = strictObject<KeeperRequest>({ id: count, op: text(50), args: (value) => value });

/**
 * The arguments of every operation of the keeper, by the role that may ask for it: the one place in which what comes
 * over its sockets is taken from outside. `keeper-answers.ts` is the other direction.
 */
import type {
  CredentialBinding,
  EgressRequest,
  KeeperOperations,
  KeeperRequest,
  Policy,
  PolicyAgent,
  RequestRule,
} from '@openlegion/contract/keeper-protocol';
import { isTimeZone } from './calendar.ts';
import { credentialName, credentialOrigin } from './credential-name.ts';
import {
  base64,
  integer,
  listOf,
  malformed,
  nullable,
  oneOf,
  type Parser,
  strictObject,
  text,
  visible,
} from './strict-parser.ts';

const count = integer(0);
const nothing = strictObject<Record<never, never>>({});
const page = strictObject({ after: count, limit: integer(1, 10_000) });

const RESERVED = new Set(['mesh', 'operator', 'vault', 'default', 'user']);
const agentPattern = text(63, /^[a-z][a-z0-9-]{0,62}$/, "an agent's name");
const agentName: Parser<string> = (value, at) => {
  const name = agentPattern(value, at);
  if (RESERVED.has(name)) throw malformed(at, 'a name that is not reserved');
  return name;
};
const agent = strictObject({ agent: agentName });
const modelName = text(
  200,
  /^[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9@][A-Za-z0-9@._:/+-]*$/,
  'a model as provider/model',
);

/** What can be put into a header whole, and read from a terminal. */
const secretValue: Parser<string> = (value, at) => {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  const fits = bytes >= 1 && bytes <= 16_384;
  if (typeof value !== 'string' || !fits || /[\0\r\n]/.test(value) || !value.isWellFormed())
    throw malformed(at, '1 to 16384 bytes of text on one line, without NUL');
  return value;
};
const passphrase = text(1024, /^.{12,}$/s, 'a passphrase of at least 12 characters');

/** Headers that frame a message or belong to a connection: a credential in one of them would be request smuggling. */
const FRAMING =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|expect)$/;
const headerName: Parser<string> = (value, at) => {
  const name = text(64, /^[a-z0-9-]{1,64}$/, 'the name of a header in lower case')(value, at);
  if (FRAMING.test(name)) throw malformed(at, 'a header that can carry a credential');
  return name;
};
const requestRule = strictObject<RequestRule>({
  methods: listOf(text(30, /^(?:\*|[A-Z][A-Z-]{0,29})$/, 'a method in capitals, or *'), 30),
  path: text(500, /^\/[\x21-\x7e]*$/, 'a path that starts with /'),
});
const binding = strictObject<CredentialBinding>({
  host: text(
    253,
    /^(?:\*\.(?:[a-z0-9_-]+\.)+|(?:[a-z0-9_-]+\.)*)[a-z0-9_-]+$|^[0-9a-f:]{2,39}$/,
    'a host in lower case, or *.example.com',
  ),
  port: integer(1, 65_535),
  header: headerName,
  scheme: oneOf('bearer', 'token', 'basic', 'raw'),
  user: text(100, /^[\x21-\x39\x3b-\x7e]*$/, 'a user name without a colon'),
  allow: listOf(requestRule, 200),
  deny: listOf(requestRule, 200),
});
/** Not those that decide how programs run, find each other or reach the proxy. */
const variable = text(
  100,
  /^(?!LD_|NODE_(?!AUTH_TOKEN$)|PATH$|HOME$|SSL_|OPENLEGION_|.*PROXY)[A-Z_][A-Z0-9_]{0,99}$/,
  'the name of a variable, such as GITHUB_TOKEN, that no program is configured with',
);
const places = {
  origins: listOf(credentialOrigin, 20),
  bindings: listOf(binding, 20),
  environment: listOf(variable, 20),
};
const named = strictObject({ name: credentialName });

const secretHost = text(260, /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+(?::[1-9][0-9]{0,4})?$/, 'a host, or host:port');
const agentSecret = {
  agent: agentName,
  name: text(41, /^[a-z][a-z0-9_]{0,40}$/, 'a lower-case letter, then letters, digits and underscores'),
  hosts: listOf(secretHost, 10),
};

const limits = { dailyMicroUsd: count, monthlyMicroUsd: count };
const policyShape = strictObject<Policy>({
  timeZone: (value, at) => {
    const name = text(100)(value, at);
    if (!isTimeZone(name)) throw malformed(at, 'a time zone like Europe/Berlin');
    return name;
  },
  fleet: strictObject(limits),
  teams: listOf(strictObject({ ...limits, name: agentName }), 1000),
  agents: listOf(
    strictObject<PolicyAgent>({
      ...limits,
      name: agentName,
      team: nullable(agentName),
      parent: nullable(agentName),
      requestsPerMinute: nullable(integer(1)),
      tokensPerMinute: nullable(integer(1)),
      apis: listOf(text(200), 500),
      models: listOf(modelName, 500),
      domains: listOf(text(300), 500),
      credentials: listOf(text(200), 500),
    }),
    10_000,
  ),
  opaqueHosts: listOf(text(300), 1000),
});

const MOST_ANCESTORS = 16;

/**
 * No agent or team twice: which of two limits held would depend on their order. Every parent is an agent of the
 * policy and its line ends: one that led into itself, or nowhere, would leave nobody to pay.
 */
export const parsePolicy: Parser<Policy> = (value, at) => {
  const policy = policyShape(value, at);
  const parents = new Map(policy.agents.map(({ name, parent }) => [name, parent]));
  const teams = new Set(policy.teams.map(({ name }) => name));
  if (parents.size !== policy.agents.length || teams.size !== policy.teams.length)
    throw malformed(`${at}.agents`, 'every agent and every team once');
  for (const { parent } of policy.agents) {
    let ancestors = 0;
    for (let above = parent; above !== null; above = parents.get(above) ?? null) {
      ancestors += 1;
      if (!parents.has(above) || ancestors > MOST_ANCESTORS)
        throw malformed(
          `${at}.agents.parent`,
          `an agent of this policy, no line in a circle or over 16 long`,
        );
    }
  }
  return policy;
};

const egress = strictObject<EgressRequest>({
  agent: agentName,
  traceId: visible(100),
  kind: oneOf('tunnel', 'https', 'http', 'service'),
  method: text(30, /^[A-Z][A-Z-]{0,29}$/, 'a method in capitals'),
  host: text(253, /^[a-z0-9._:-]*$/, 'a host in lower case'),
  port: integer(0, 65_535),
  path: text(8192, /^(?:[/*][\x21-\x7e]*)?$/, 'a path of visible ASCII characters'),
  tokens: listOf(strictObject({ token: text(300), place: text(200) }), 64),
  service: nullable(text(100, /^[a-z0-9_]+$/, 'the short name of a credential')),
});

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
      inputTokens: count,
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
    egress,
    egressDone: strictObject({
      requestId: visible(100),
      httpStatus: integer(0, 999),
      bytesUp: count,
      bytesDown: count,
    }),
    egressRecheck: strictObject({ requestIds: listOf(visible(100), 10_000) }),
    authority: agent,
  },
  host: {
    policy: parsePolicy,
    costs: nothing,
    checkpoint: strictObject({
      chain: oneOf('host'),
      seq: count,
      hash: text(64, /^[0-9a-f]{64}$/, '64 hexadecimal digits'),
    }),
    names: nothing,
    audit: page,
    status: nothing,
    warnings: nothing,
    vaultView: agent,
    generate: strictObject({ ...agentSecret, length: integer(16, 128) }),
    capture: strictObject({ ...agentSecret, sealed: base64(32_768) }),
    captureKey: nothing,
    verifySignature: strictObject({
      credential: credentialName,
      style: oneOf('openlegion', 'github', 'stripe', 'slack'),
      signature: text(1000),
      timestamp: text(12, /^[0-9]*$/, 'seconds since 1970, or nothing'),
      bodyBase64: base64(700_000),
    }),
  },
  admin: {
    put: strictObject({ ...places, name: credentialName, value: secretValue }),
    rotate: strictObject({ name: credentialName, value: secretValue }),
    bind: strictObject({ ...places, name: credentialName }),
    rotateKey: strictObject({ newKey: text(44, /^[A-Za-z0-9+/]{43}=$/, '32 bytes in base64') }),
    export: strictObject({ passphrase }),
    import: strictObject({ passphrase, sealed: base64(1_048_576) }),
    remove: named,
    names: nothing,
    audit: page,
    checkpoints: nothing,
    canaries: strictObject({
      prefix: text(40, /^[A-Za-z0-9]{12,40}$/, '12 to 40 letters and digits'),
      count: integer(1, 100),
      origins: places.origins,
    }),
    removeCanaries: nothing,
    status: nothing,
  },
};

/** What an export holds for each credential, checked again when it is read back: it has been outside. */
export const parseExported = listOf(
  strictObject({ ...places, name: credentialName, value: secretValue, owner: nullable(agentName) }),
  100_000,
);

/** The envelope: what every line must be. */
export const parseRequest = strictObject<KeeperRequest>({ id: count, op: text(50), args: (value) => value });

/** Where a credential may go, read back from the columns of the store, each of which is JSON. */
export function parseStoredPlaces(row: Readonly<Record<'origins' | 'bindings' | 'environment', string>>) {
  const { origins, bindings, environment } = row;
  return {
    origins: places.origins(JSON.parse(origins), 'origins'),
    bindings: places.bindings(JSON.parse(bindings), 'bindings'),
    environment: places.environment(JSON.parse(environment), 'environment'),
  };
}

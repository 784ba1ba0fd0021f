/** The words of every refusal of the keeper's: what was refused, by which rule, and what a person can do. */
import type { CredentialBinding, EgressRequest } from '@openlegion/contract/keeper-protocol';
import { formatMicroUsd } from './format-micro-usd.ts';
import { LINE_BYTES } from './json-lines.ts';
import { refuse, type VaultError } from './vault-error.ts';

const deny = (rule: string, message: string, remedy: string): VaultError =>
  refuse('denied', rule, message, remedy);

// Of agents and models.

export function unknownAgent(): VaultError {
  return deny('vault.policy', 'The vault knows no such agent.', 'Add the agent to config/agents.yaml.');
}

export function noModelCalls(agent: string): VaultError {
  return deny(
    `permissions.${agent}.allowed_apis`,
    `${agent} may not call models.`,
    `Add "llm" to permissions.${agent}.allowed_apis in config/permissions.json.`,
  );
}

export function otherModel(agent: string, model: string): VaultError {
  return deny(
    `agents.${agent}.model`,
    `${agent} may not call ${model}.`,
    `Make it the model of agents.${agent} in config/agents.yaml, or add it to llm.failover in config/mesh.yaml.`,
  );
}

export function noModelKey(name: string): VaultError {
  return deny(
    'vault.credential',
    `The vault has no ${name} for model calls.`,
    `Run \`./openlegion vault add ${name}\`.`,
  );
}

export function otherOrigin(name: string, origin: string, origins: readonly string[]): VaultError {
  return deny(
    'vault.binding',
    `${name} is not bound to ${origin}, only to ${origins.join(', ')}.`,
    `If it is meant for that place, run \`./openlegion vault add ${name}\` and name it.`,
  );
}

/** `need`: the least that the call could cost. */
export function overBudget(
  { whose, rule, setting }: { whose: string; rule: string; setting: string },
  limit: { period: string; microUsd: number; spent: number; reserved: number },
  need: bigint,
): VaultError {
  const kind = limit.period.length === 10 ? 'daily' : 'monthly';
  const [most, spent, reserved] = [limit.microUsd, limit.spent, limit.reserved].map(formatMicroUsd);
  const cost = need > Number.MAX_SAFE_INTEGER ? 'more than can be counted' : formatMicroUsd(Number(need));
  return refuse(
    'budget_exceeded',
    `${rule}budget.${kind}`,
    `Over ${whose} ${kind} budget of ${most}: ${spent} is spent, ${reserved} is reserved for calls under way, and this call could cost ${cost}.`,
    `Raise ${setting}, or wait until ${limit.period} is over.`,
  );
}

export function tooFast(agent: string, what: 'requests' | 'tokens', limit: number): VaultError {
  return refuse(
    'rate_limited',
    `agents.${agent}.budget.${what}_per_minute`,
    `Over ${agent}'s ${limit} ${what} per minute.`,
    `Wait a minute, or raise agents.${agent}.budget.${what}_per_minute in config/agents.yaml.`,
  );
}

export function reservationNotOpen(): VaultError {
  return refuse(
    'not_found',
    'settle.reservation',
    'There is no such open reservation on this connection.',
    'It was settled before, or charged in full when its connection ended.',
  );
}

export function chargedAboveReservation(): VaultError {
  return refuse(
    'bad_request',
    'settle.charged',
    'The charge is above the reservation, which was charged in full.',
    'Reserve the worst case before a call is made.',
  );
}

// Of requests to the outside.

const placeOf = (host: string, port: number): string =>
  port === 443 || port === 80 ? host : `${host}:${port}`;

/** One and the same for everything that is not reachable, whether it exists, is private or is neither. */
export function unreachable(agent: string, host: string, port: number): VaultError {
  const place = placeOf(host, port);
  return deny(
    `permissions.${agent}.allowed_domains`,
    `${agent} may not reach ${place}.`,
    `If it should: \`./openlegion egress allow ${agent} ${place}\`.`,
  );
}

export function noService(agent: string, service: string): VaultError {
  return deny(
    `permissions.${agent}.allowed_credentials`,
    `${agent} may not use a service ${service}.`,
    `Add "${service}" to permissions.${agent}.allowed_credentials in config/permissions.json, and its host with \`./openlegion vault bind\`.`,
  );
}

export function meaninglessPlaceholder(agent: string, place: string): VaultError {
  return deny(
    'egress.placeholder',
    `What stands in ${place} for a credential stands for none that ${agent} may use now.`,
    `Start the program again, since a placeholder ends with its credential's version; or grant the credential in permissions.${agent}.allowed_credentials.`,
  );
}

export function misplacedPlaceholder(
  { short, bindings }: { short: string; bindings: readonly CredentialBinding[] },
  { tokens }: EgressRequest,
  host: string,
): VaultError {
  const places = [...new Set(tokens.map(({ place }) => place))].join(', ').slice(0, 300);
  const declared = bindings.map((one) => `${one.header} to ${one.host}:${one.port}`).join(', ');
  return deny(
    'egress.placeholder',
    `${short} may not stand in ${places} of a request to ${host}: it goes once, in ${declared.slice(0, 800) || 'no header, nowhere yet'}.`,
    `Send it there; or change where it goes with \`./openlegion vault bind ${short}\`.`,
  );
}

export function cleartext(host: string): VaultError {
  return deny(
    'egress.cleartext',
    `A credential for ${host} never travels over plain HTTP.`,
    `Use https://${host}.`,
  );
}

export function ambiguous(names: readonly string[]): VaultError {
  return refuse(
    'conflict',
    'egress.ambiguous',
    `More than one credential is granted for this request: ${[...new Set(names)].join(', ').slice(0, 1000)}.`,
    'Name one in the header, as $CRED{name} or by its placeholder; or grant one alone.',
  );
}

export function outsideBinding(short: string, method: string, path: string, host: string): VaultError {
  return deny(
    'vault.binding',
    `${method} ${path.split('?')[0]?.slice(0, 300)} is not among what ${short} may do at ${host}.`,
    `If it should be: \`./openlegion vault bind ${short}\` with this method and path.`,
  );
}

export function tooManyOpen(): VaultError {
  return refuse(
    'rate_limited',
    'egress.open',
    'Too many requests to the outside are open.',
    'Wait until some have ended.',
  );
}

// Of credentials.

export function nameTaken(name: string): VaultError {
  return refuse('conflict', 'vault.owner', `${name} is taken.`, 'Take another name.');
}

export function noCredential(name: string): VaultError {
  return refuse(
    'not_found',
    'vault.credential',
    `The vault has no ${name}.`,
    `See \`./openlegion vault list\`; \`./openlegion vault add ${name}\` adds it.`,
  );
}

export function wrongPassphrase(): VaultError {
  return refuse(
    'unauthenticated',
    'vault.passphrase',
    'This passphrase does not open this export, or the file was changed.',
    'Try again with the passphrase that it was made with.',
  );
}

export function tampered(what: string): VaultError {
  return refuse(
    'internal',
    'vault.tampered',
    `The vault refuses to use ${what}: vault.db was changed by something other than the keeper.`,
    `Find out who could write to data/keeper, then replace it with \`./openlegion vault add\`.`,
  );
}

export function wrongKey(what: string): VaultError {
  return refuse(
    'unauthenticated',
    'vault.key',
    `The vault stays locked: the key in data/vault.key ${what}.`,
    'Put back the key file that belongs to data/keeper (after a key rotation that was interrupted it is data/vault.key.new); without it the credentials are lost: move data/keeper away and add them again.',
  );
}

// Of the audit chain and the sockets.

export function brokenCheckpoint(code: 'conflict' | 'internal', message: string): VaultError {
  return refuse(
    code,
    'audit.checkpoint',
    message,
    'Records were removed or rewritten: run `./openlegion audit verify` and keep the files as evidence.',
  );
}

export function brokenChain(seq: number): VaultError {
  return refuse(
    'internal',
    'audit.chain',
    `The vault's audit chain is broken at record ${seq}: it was changed by something other than the keeper.`,
    'Keep data/keeper as evidence, put back its newest copy, and find out who could write to it.',
  );
}

export function otherRole(): VaultError {
  return deny(
    'vault.role',
    'This socket has no such operation.',
    'Check that every part of OpenLegion is of the same version.',
  );
}

export function answerTooLarge(): VaultError {
  return refuse(
    'too_large',
    'protocol.line',
    `The answer would be over ${LINE_BYTES} bytes.`,
    'Ask for less at once.',
  );
}

export function diskFull(): VaultError {
  return refuse(
    'disk_full',
    'vault.database',
    'The disk that holds the vault is full; nothing was changed.',
    'Free some space in data/.',
  );
}

/** Says nothing of a fault of our own outside the process. */
export function internalFault(): VaultError {
  return refuse(
    'internal',
    'vault.keeper',
    'The keeper could not do this; nothing was changed.',
    'See the log of the keeper.',
  );
}

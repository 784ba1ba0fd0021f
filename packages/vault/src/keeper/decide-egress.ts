import type { CredentialBinding, EgressRequest, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import { shortName } from '../process/credential-name.ts';
import {
  ambiguous,
  cleartext,
  meaninglessPlaceholder,
  misplacedPlaceholder,
  noService,
  outsideBinding,
  unreachable,
} from '../process/keeper-refusals.ts';
import { matchesHost, permits, reaches } from '../process/match-request.ts';
import type { VaultError } from '../process/vault-error.ts';
import type { Credential } from './credentials.ts';

export interface EgressDecision {
  rule: string;
  mode: 'terminate' | 'opaque';
  host: string;
  port: number;
  use: { credential: Credential; binding: CredentialBinding } | null;
}

export interface EgressPolicy {
  agent: PolicyAgent;
  /** What this agent was granted, and nothing else. */
  granted: readonly Credential[];
  opaqueHosts: readonly string[];
  placeholderOf: (credential: Credential) => string;
}

/** What `allowed_apis: [web_search]` reaches, by GET and POST, and nothing more. */
const WEB_SEARCH = new Map([
  ['html.duckduckgo.com', '/html/'],
  ['lite.duckduckgo.com', '/lite/'],
]);

/**
 * Decides one request to the outside, or throws its refusal.
 *
 * A granted credential lets its agent reach what its bindings allow and nothing else at those hosts; elsewhere
 * `allowed_domains` decides. A placeholder or `$CRED{}` stands in the header that a binding declares, once, or the
 * request goes nowhere. What is not reachable is refused in one and the same words, whatever is or is not there.
 */
export function decideEgress(request: EgressRequest, policy: EgressPolicy): EgressDecision {
  const { agent, granted } = policy;
  const service = request.kind === 'service' ? serviceOf(request, policy) : null;
  const { host, port } = service?.binding ?? request;
  const isListed = agent.domains.some((pattern) => reaches(pattern, host, port));
  const searches = agent.apis.includes('web_search') && port === 443 ? WEB_SEARCH.get(host) : undefined;
  // What an agent made itself follows its domains: it widens nothing.
  const bound = granted.flatMap((credential) =>
    credential.bindings
      .filter((binding) => binding.port === port && matchesHost(binding.host, host))
      .filter(() => credential.owner === null || isListed)
      .map((binding) => ({ credential, binding })),
  );
  const named = credentialNamed(request, policy);

  if (request.kind === 'tunnel') {
    if (!isListed && bound.length === 0 && !searches) throw unreachable(agent.name, host, port);
    // Where a credential is bound, what goes through is looked at: else its binding would not hold.
    const isOpaque =
      isListed && bound.length === 0 && policy.opaqueHosts.some((one) => reaches(one, host, port));
    return {
      rule: ruleOf(agent, isListed, bound),
      mode: isOpaque ? 'opaque' : 'terminate',
      host,
      port,
      use: null,
    };
  }
  if (request.kind === 'http' && (named || bound.length > 0)) throw cleartext(host);

  // An agent's own secret goes where it is named; the operator's are added by themselves.
  const candidates = bound.filter(({ credential, binding }) =>
    named
      ? credential === named && request.tokens[0]?.place === `header:${binding.header}`
      : service
        ? credential === service.credential
        : credential.owner === null,
  );
  if (named && candidates.length === 0) throw misplaced(request, named, host);
  const fitting = candidates.filter(({ binding }) => permits(binding, request.method, request.path));
  const [use] = fitting;
  if (use) {
    if (fitting.some(({ credential }) => credential !== use.credential))
      throw ambiguous(fitting.map(({ credential }) => credential.short));
    return { rule: ruleOf(agent, false, fitting), mode: 'terminate', host, port, use };
  }
  if (candidates.length > 0)
    throw outsideBinding(candidates[0]?.credential.short ?? '', request.method, request.path, host);
  const isSearch =
    request.kind === 'https' &&
    ['GET', 'POST'].includes(request.method) &&
    searches === request.path.split('?')[0];
  if (!isListed && !isSearch) throw unreachable(agent.name, host, port);
  return { rule: ruleOf(agent, isListed, []), mode: 'terminate', host, port, use: null };
}

function ruleOf(agent: PolicyAgent, isListed: boolean, bound: readonly unknown[]): string {
  const setting = isListed ? 'allowed_domains' : bound.length > 0 ? 'allowed_credentials' : 'allowed_apis';
  return `permissions.${agent.name}.${setting}`;
}

/** The credential and binding that /services/{name} is for: its first with one host. */
function serviceOf({ service }: EgressRequest, { agent, granted }: EgressPolicy) {
  const credential = granted.find(({ short }) => short === service);
  const binding = credential?.bindings.find((one) => !one.host.startsWith('*'));
  if (credential && binding) return { credential, binding };
  throw noService(agent.name, service ?? '');
}

/** The credential that the request's one token stands for; null without tokens. */
function credentialNamed(request: EgressRequest, { agent, granted, placeholderOf }: EgressPolicy) {
  const [first, ...more] = request.tokens;
  if (!first) return null;
  const inside = /^\$CRED\{([^}]*)\}$/.exec(first.token)?.[1];
  const credential = granted.find((one) =>
    inside === undefined ? placeholderOf(one) === first.token : shortName(inside) === one.short,
  );
  if (!credential) throw meaninglessPlaceholder(agent.name, first.place);
  if (more.length > 0 || request.kind === 'tunnel') throw misplaced(request, credential, request.host);
  return credential;
}

function misplaced(request: EgressRequest, { short, bindings }: Credential, host: string): VaultError {
  const places = [...new Set(request.tokens.map(({ place }) => place))].join(', ');
  const declared = bindings.map((one) => `${one.header} to ${one.host}:${one.port}`).join(', ');
  return misplacedPlaceholder(short, places, host, declared);
}

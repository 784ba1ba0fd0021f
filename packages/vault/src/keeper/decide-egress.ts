import type { CredentialBinding, EgressRequest, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import { shortName } from '../process/credential-name.ts';
import * as refusals from '../process/keeper-refusals.ts';
import { matchesHost, permits, reaches } from '../process/match-request.ts';
import type { Credential } from './credentials.ts';

export interface EgressDecision {
  rule: string;
  mode: 'terminate' | 'opaque';
  host: string;
  port: number;
  /** What is released for it, and into which header. */
  use: { credential: Credential; binding: CredentialBinding } | null;
}

export interface EgressPolicy {
  agent: PolicyAgent;
  /** What this agent was granted, and nothing else. */
  granted: readonly Credential[];
  opaqueHosts: readonly string[];
  placeholderOf: (agent: string, credential: Credential) => string;
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
  const { kind, method, path } = request;
  const { name, domains, apis } = policy.agent;
  const service = kind === 'service' ? serviceOf(request, policy) : null;
  const { host, port } = service?.binding ?? request;
  const isListed = domains.some((pattern) => reaches(pattern, host, port));
  const search = apis.includes('web_search') && port === 443 ? WEB_SEARCH.get(host) : undefined;
  const here = policy.granted.flatMap((credential) =>
    credential.bindings
      .filter((binding) => binding.port === port && matchesHost(binding.host, host))
      .map((binding) => ({ credential, binding })),
  );
  // What an agent made itself widens nothing: it follows its domains, and yields to the operator's bindings.
  const operators = here.filter(({ credential }) => credential.owner === null);
  const bound = operators.length > 0 ? operators : isListed ? here : [];
  const named = credentialNamed(request, policy);
  const allow = (setting: string, rest: Partial<EgressDecision> = {}): EgressDecision => {
    return { rule: `permissions.${name}.${setting}`, mode: 'terminate', host, port, use: null, ...rest };
  };
  const allowListed = (rest?: Partial<EgressDecision>): EgressDecision =>
    allow(isListed ? 'allowed_domains' : 'allowed_apis', rest);

  if (kind === 'tunnel') {
    // Where a credential is bound, what goes through is looked at: else its binding would not hold.
    if (bound.length > 0) return allow('allowed_credentials');
    if (!isListed && !search) throw refusals.unreachable(name, host, port);
    const isOpaque = isListed && policy.opaqueHosts.some((one) => one === host || reaches(one, host, port));
    return allowListed({ mode: isOpaque ? 'opaque' : 'terminate' });
  }
  if (kind === 'http' && (named || bound.length > 0)) throw refusals.cleartext(host);

  const candidates = bound.filter(({ credential, binding }) => {
    if (service && credential !== service.credential) return false;
    if (named) return credential === named && request.tokens[0]?.place === `header:${binding.header}`;
    // An agent's own secret goes where it is named; the operator's are added by themselves.
    return service !== null || credential.owner === null;
  });
  if (named && candidates.length === 0) throw refusals.misplacedPlaceholder(named, request, host);
  const fitting = candidates.filter(({ binding }) => permits(binding, method, path));
  const [use] = fitting;
  if (use && fitting.some(({ credential }) => credential !== use.credential))
    throw refusals.ambiguous(fitting.map(({ credential }) => credential.short));
  if (use) return allow('allowed_credentials', { use });
  const [unfit] = candidates;
  if (unfit) throw refusals.outsideBinding(unfit.credential.short, method, path, host);
  const isSearch = kind === 'https' && /^(?:GET|POST)$/.test(method) && search === path.split('?')[0];
  if (service || (!isListed && !isSearch)) throw refusals.unreachable(name, host, port);
  return allowListed();
}

/** The credential and binding that /services/{name} is for: its first with one host. */
function serviceOf({ service }: EgressRequest, { agent, granted }: EgressPolicy) {
  const credential = granted.find(({ short }) => short === service);
  const binding = credential?.bindings.find((one) => !one.host.startsWith('*'));
  if (credential && binding) return { credential, binding };
  throw refusals.noService(agent.name, service ?? '');
}

/** The credential that the request's one token stands for; null without tokens. */
function credentialNamed(request: EgressRequest, { agent, granted, placeholderOf }: EgressPolicy) {
  const [first, ...more] = request.tokens;
  if (!first) return null;
  const inside = /^\$CRED\{([^}]*)\}$/.exec(first.token)?.[1];
  const credential = granted.find((one) =>
    inside === undefined ? placeholderOf(agent.name, one) === first.token : shortName(inside) === one.short,
  );
  if (!credential) throw refusals.meaninglessPlaceholder(agent.name, first.place);
  if (more.length > 0 || request.kind === 'tunnel')
    throw refusals.misplacedPlaceholder(credential, request, request.host);
  return credential;
}

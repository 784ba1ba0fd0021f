import type { AuditCheckpoint, AuditRecord } from './audit-record.ts';
import type { BudgetWarning, Costs } from './costs.ts';
import type { Refusal } from './refusal.ts';

/**
 * How others speak to the keeper: newline-delimited JSON over a Unix socket, one object a line, at most
 * `KEEPER_LINE_BYTES`. Each request carries an `id` of the caller's; answers may come in any order.
 *
 * The role is the socket, not a claim: `keeper-gateway.sock` is reachable by the gateway's uid alone,
 * `keeper-host.sock` by the host's, `keeper-admin.sock` by the person who runs OpenLegion. An operation that is
 * not of the socket's role is refused. A line that does not parse closes the connection.
 *
 * These are types only, for `packages/vault` takes no third-party package; its hand-written parsers are held to
 * them by tests.
 */
export interface KeeperOperations {
  gateway: {
    /** Admits one model call, or refuses it. The secret is released here and nowhere else. */
    reserve: { request: ReserveRequest; answer: ReserveAnswer };
    settle: { request: SettleRequest; answer: { spentTodayMicroUsd: number } };
    /**
     * Decides one request to the outside world, or one tunnel. Secrets are released here, each for this request
     * alone, after the audit record of the decision.
     */
    egress: { request: EgressRequest; answer: EgressAnswer };
    /** Ends what `egress` admitted; what a connection leaves open is recorded as ended with it. */
    egressDone: { request: EgressDone; answer: Record<never, never> };
    /** Which of these admitted requests the policy of now would refuse. Asked every 2 s for all that are open. */
    egressRecheck: { request: { requestIds: string[] }; answer: { revoked: string[] } };
    /** The private key of the one agent's own certificate authority, PKCS #8 PEM; the same at every asking. */
    authority: { request: { agent: string }; answer: { privateKeyPem: string } };
  };
  host: {
    /** Replaces the whole policy; an agent absent from it can do nothing. */
    policy: { request: Policy; answer: { hash: string } };
    costs: { request: Record<never, never>; answer: Costs };
    checkpoint: { request: { chain: 'host'; seq: number; hash: string }; answer: AuditCheckpoint };
    names: { request: Record<never, never>; answer: { credentials: CredentialName[] } };
    audit: { request: { after: number; limit: number }; answer: { records: AuditRecord[] } };
    status: { request: Record<never, never>; answer: KeeperStatus };
    /** Warnings of the current day and month: each limit of which 80 % are spent, once. */
    warnings: { request: Record<never, never>; answer: { warnings: BudgetWarning[] } };
    /** What one agent was granted: names, places and placeholders, never a value. */
    vaultView: { request: { agent: string }; answer: { credentials: GrantedCredential[] } };
    /** A secret of the keeper's own invention, owned by the agent; only its handle leaves. */
    generate: { request: AgentSecret & { length: number }; answer: { name: string; version: number } };
    /** Stores what an agent sealed to `captureKey` (see `sealed`), without the host being able to read it. */
    capture: { request: AgentSecret & { sealed: string }; answer: { name: string; version: number } };
    /** X25519 public key, SPKI PEM, to which agents seal what they capture. */
    captureKey: { request: Record<never, never>; answer: { publicKeyPem: string } };
    /** Checks a webhook's signature over its raw body, of at most 512 KiB, with the sealed key. */
    verifySignature: { request: SignatureCheck; answer: { valid: boolean } };
  };
  admin: {
    put: { request: NewCredential; answer: { name: string; version: number } };
    /** A new value for an existing credential, with its bindings as they are; old placeholders end with it. */
    rotate: { request: { name: string; value: string }; answer: { name: string; version: number } };
    /** Replaces where a credential may go, keeping its value. */
    bind: {
      request: { name: string; origins: string[]; bindings: CredentialBinding[]; environment: string[] };
      answer: { name: string; version: number };
    };
    /** Wraps the store's data key in a new key of 32 bytes, base64; the old one opens nothing afterwards. */
    rotateKey: { request: { newKey: string }; answer: { rotatedAt: string } };
    /** Everything but the ledger, sealed under a passphrase (Argon2id, AES-256-GCM), base64. */
    export: { request: { passphrase: string }; answer: { sealed: string; credentials: number } };
    import: { request: { passphrase: string; sealed: string }; answer: { names: string[] } };
    remove: { request: { name: string }; answer: { removed: boolean } };
    names: { request: Record<never, never>; answer: { credentials: CredentialName[] } };
    audit: { request: { after: number; limit: number }; answer: { records: AuditRecord[] } };
    checkpoints: {
      request: Record<never, never>;
      answer: { checkpoints: AuditCheckpoint[]; publicKeyPem: string };
    };
    /** Makes `count` credentials of its own invention, each `prefix` and 32 random letters and digits, for `verify` to search for. */
    canaries: { request: { prefix: string; count: number; origins: string[] }; answer: { names: string[] } };
    removeCanaries: { request: Record<never, never>; answer: { removed: number } };
    status: { request: Record<never, never>; answer: KeeperStatus };
  };
}

export interface KeeperRequest {
  id: number;
  op: string;
  args: unknown;
}

export type KeeperAnswer =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; refusal: Refusal };

/** Longest line in either direction: 1 MiB. */
export const KEEPER_LINE_BYTES = 1_048_576;

export interface ReserveRequest {
  agent: string;
  traceId: string;
  /** `provider/model`: must be one of the agent's models. */
  model: string;
  /** Where the gateway is about to send the credential; must be an origin the credential is bound to. */
  origin: string;
  /** The sealed record to release; null for a provider without a key. */
  credential: string | null;
  /** Upper bound on what everything but the output can cost. */
  inputMicroUsd: number;
  /** Upper bound on input tokens, for the limit of tokens per minute. */
  inputTokens: number;
  /** Wanted output tokens, over all choices; the keeper may grant fewer, down to `minOutputTokens`, to fit the budget. */
  outputTokens: number;
  minOutputTokens: number;
  /** Dearest class of output token, micro-dollars per million. */
  outputMicroUsdPerMillion: number;
}

export interface ReserveAnswer {
  reservationId: string;
  outputTokens: number;
  reservedMicroUsd: number;
  secret: string | null;
}

export interface SettleRequest {
  reservationId: string;
  /** At most what was reserved; more is refused and the reservation is charged. */
  chargedMicroUsd: number;
  inputTokens: number;
  outputTokens: number;
  /** Where the figures come from: the provider's usage, our own count, or the reservation itself (nothing known). */
  source: 'provider' | 'estimate' | 'reservation' | 'none';
  httpStatus: number;
}

export interface PolicyLimits {
  dailyMicroUsd: number;
  monthlyMicroUsd: number;
}

export interface Policy {
  timeZone: string;
  fleet: PolicyLimits;
  teams: (PolicyLimits & { name: string })[];
  agents: PolicyAgent[];
  /** Hosts to which an opaque tunnel is allowed, for agents that may reach them; everything else is terminated. */
  opaqueHosts: string[];
}

export interface PolicyAgent {
  name: string;
  team: string | null;
  /** Pays for this agent: every reservation is also one against the parent's limits, and so on upwards. */
  parent: string | null;
  dailyMicroUsd: number;
  monthlyMicroUsd: number;
  /** Null: no such limit. */
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
  /** `allowed_apis`; model calls need `llm`. */
  apis: string[];
  /** Full names, `provider/model`, that the agent may call. */
  models: string[];
  /** `allowed_domains`: `api.example.com`, `*.example.com` (any depth below it, not itself), either with `:port`. */
  domains: string[];
  /** `allowed_credentials`: patterns over short names (`github`, `brightdata_*`). */
  credentials: string[];
}

/** Which requests a binding lets through. `path` is a glob (`*` within a segment, `**` across); with a `?` in it, it is matched against path and query, else against the path alone. */
export interface RequestRule {
  methods: string[];
  path: string;
}

/**
 * Where a credential may go, and nowhere else: one host, one header. `allow` is empty: nothing is. `deny` (the
 * endpoints that mint credentials) wins over `allow`, unless a rule of `allow` names the path without a wildcard.
 */
export interface CredentialBinding {
  /** Exact, lower case, or `*.example.com`. */
  host: string;
  port: number;
  /** Lower case: `authorization`, `x-api-key`. */
  header: string;
  scheme: 'bearer' | 'token' | 'basic' | 'raw';
  /** User name of `basic`; otherwise empty. */
  user: string;
  allow: RequestRule[];
  deny: RequestRule[];
}

/** `origins` bind a system key (model providers), `bindings` one for tools. */
export interface NewCredential {
  name: string;
  value: string;
  origins: string[];
  bindings: CredentialBinding[];
  /** Variables that hold the placeholder in the containers of agents it is granted to: `GITHUB_TOKEN`. */
  environment: string[];
}

/**
 * One request as the gateway parsed it. Of `tokens` every placeholder (`olp_` and 40 hex digits) and every
 * `$CRED{name}` found anywhere in the request's line and headers, and where: `header:authorization`, or `path`.
 */
export interface EgressRequest {
  agent: string;
  traceId: string;
  /** `tunnel`: a CONNECT, before anything in it is known; `https` and `http`: a request in full; `service`: one to /services/{credential}. */
  kind: 'tunnel' | 'https' | 'http' | 'service';
  method: string;
  /** Lower case, without a trailing dot, an address literal in its canonical form. For `service` it is answered. */
  host: string;
  port: number;
  /** With the query, at most 8 KiB; empty for a tunnel. */
  path: string;
  tokens: { token: string; place: string }[];
  /** Short name, for `service`; otherwise null. */
  service: string | null;
}

export interface EgressAnswer {
  requestId: string;
  mode: 'terminate' | 'opaque';
  host: string;
  port: number;
  /** To be set as, or put into, the one declared header. Null: the request goes without. */
  credential: {
    name: string;
    header: string;
    scheme: CredentialBinding['scheme'];
    user: string;
    secret: string;
  } | null;
}

export interface EgressDone {
  requestId: string;
  /** 0: no answer. */
  httpStatus: number;
  bytesUp: number;
  bytesDown: number;
}

export interface AgentSecret {
  agent: string;
  /** `[a-z][a-z0-9_]{0,40}`; stored as `OPENLEGION_CRED_AGENT_{AGENT}_{NAME}`. */
  name: string;
  /** Where it may go, as bearer token; each must be within the agent's own domains. */
  hosts: string[];
}

export interface GrantedCredential {
  /** Short: `github`, used as `$CRED{github}`. */
  name: string;
  placeholder: string;
  environment: string[];
  bindings: CredentialBinding[];
  version: number;
  createdAt: string;
  lastUsedAt: string | null;
  /** Made by this agent itself. */
  own: boolean;
}

export interface SignatureCheck {
  credential: string;
  /** `openlegion`: HMAC-SHA256 over `{timestamp}.{body}`; the others as those services document them. */
  style: 'openlegion' | 'github' | 'stripe' | 'slack';
  signature: string;
  /** Empty for styles without; with it, at most 300 s from now. */
  timestamp: string;
  bodyBase64: string;
}

export interface CredentialName {
  name: string;
  tier: 'system' | 'cred';
  version: number;
  origins: string[];
  bindings: CredentialBinding[];
  environment: string[];
  /** The agent that made it; null for the operator's. */
  owner: string | null;
  createdAt: string;
  lastUsedAt: string | null;
}

export interface KeeperStatus {
  uid: number;
  pid: number;
  openReservations: number;
  lastCheckpoint: AuditCheckpoint | null;
}

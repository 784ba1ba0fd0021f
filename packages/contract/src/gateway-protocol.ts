import type { CatalogProvider } from './catalog.ts';

/**
 * How the host speaks to the gateway: HTTP/1.1 over `gateway.sock`, which only the host's uid can reach.
 *
 * | method and path          | body                           | answer                                    |
 * |--------------------------|--------------------------------|-------------------------------------------|
 * | POST /llm/{provider}/…   | as the agent sent it           | as the provider answered, scrubbed        |
 * | GET  /providers          |                                | { providers: CatalogProvider[] }          |
 * | PUT  /providers          | { providers: CatalogProvider[] } | 204; operator's own and changed providers |
 * | GET  /health             |                                | { ok, uid, pid, models: ModelHealth[] }   |
 * | PUT  /egress             | EgressSettings                 | 204; may be repeated at any time          |
 * | GET  /authority/{agent}  |                                | { certificatePem }: what the agent trusts |
 * | CONNECT egress           | a proxy client's own bytes     | 200, then the gateway is its HTTP proxy   |
 * | any  /services/{name}/…  | as the agent sent it           | as the service answered, scrubbed         |
 *
 * `CONNECT egress` carries one connection of one program: the gateway reads CONNECT and absolute-form requests from
 * it as any HTTP proxy does. Who asks is in the headers below, which the host sets; none is taken from the agent.
 *
 * Of a model call, tools that are not granted are taken out of the request, and an answer that calls one is ended by
 * a refusal before the call is shown.
 *
 * A call's cost is known when it has ended, so it travels in the trailers.
 */
export const GATEWAY_HEADERS = {
  agent: 'x-openlegion-agent',
  trace: 'x-openlegion-trace',
  /** With model calls: JSON of the agent's `allowed_tools`, in ASCII. */
  tools: 'x-openlegion-tools',
} as const;

export const GATEWAY_TRAILERS = {
  chargedMicroUsd: 'x-openlegion-charged-micro-usd',
  inputTokens: 'x-openlegion-input-tokens',
  outputTokens: 'x-openlegion-output-tokens',
  source: 'x-openlegion-usage-source',
} as const;

/** What the operator configured under `egress` in mesh.yaml. Lost with the gateway; the host sends it again. */
export interface EgressSettings {
  /** PEM of further roots for upstreams (providers and egress); null for the public roots alone. */
  extraRootsPem: string | null;
  /** Names that the operator points at an address of their own, which may be private (never a metadata address). */
  hosts: { host: string; address: string; port: number | null }[];
  requestsPerMinute: number;
  bytesPerMinute: number;
  connections: number;
}

export interface ProviderList {
  providers: CatalogProvider[];
}

/** What the gateway itself observed; never what an agent said. */
export interface ModelHealth {
  model: string;
  ok: boolean;
  lastStatus: number;
  lastErrorAt: string | null;
  coolingUntil: string | null;
}

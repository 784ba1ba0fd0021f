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
 *
 * A call's cost is known when it has ended, so it travels in the trailers.
 */
export const GATEWAY_HEADERS = {
  agent: 'x-openlegion-agent',
  trace: 'x-openlegion-trace',
} as const;

export const GATEWAY_TRAILERS = {
  chargedMicroUsd: 'x-openlegion-charged-micro-usd',
  inputTokens: 'x-openlegion-input-tokens',
  outputTokens: 'x-openlegion-output-tokens',
  source: 'x-openlegion-usage-source',
} as const;

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

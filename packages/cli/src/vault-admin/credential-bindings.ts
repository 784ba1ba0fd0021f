import { readFileSync } from 'node:fs';
import type { CatalogProvider } from '@openlegion/contract/catalog';
import { configPaths } from '@openlegion/contract/installation';
import { parse } from 'yaml';
import { z } from 'zod';

/** Only what bindings need; the host is the authority on the rest of the file. */
const ProviderUrls = z.object({
  llm: z.object({ providers: z.record(z.string(), z.object({ base_url: z.string().optional() })) }),
});

/** `openai` → `OPENLEGION_SYSTEM_OPENAI_API_KEY`, the name that a provider's key has unless the catalog says otherwise. */
function providerKeyName(provider: string): string {
  return `OPENLEGION_SYSTEM_${provider.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_API_KEY`;
}

/**
 * Where each provider's key may be sent: the origin of its base URL, which mesh.yaml may have changed. A key is
 * bound to these and the keeper releases it for nothing else.
 */
export function credentialBindings(
  providers: readonly CatalogProvider[],
  configured: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const bindings = new Map<string, string[]>();
  const bind = (credential: string, url: string) => {
    const origin = originOf(url);
    const known = bindings.get(credential) ?? [];
    if (origin && !known.includes(origin)) bindings.set(credential, [...known, origin]);
  };
  const seen = new Set<string>();
  for (const provider of providers) {
    seen.add(provider.id);
    if (provider.auth) bind(provider.auth.credential, configured.get(provider.id) ?? provider.baseUrl);
  }
  for (const [provider, url] of configured) if (!seen.has(provider)) bind(providerKeyName(provider), url);
  return bindings;
}

/** The base URLs that mesh.yaml gives; none when it cannot be read (the host then says why). */
export function configuredBaseUrls(home: string): Map<string, string> {
  try {
    const parsed = ProviderUrls.safeParse(parse(readFileSync(configPaths(home).mesh, 'utf8')));
    if (!parsed.success) return new Map();
    return new Map(
      Object.entries(parsed.data.llm.providers).flatMap(([id, { base_url: url }]) =>
        url ? [[id, url]] : [],
      ),
    );
  } catch {
    return new Map();
  }
}

function originOf(url: string): string | null {
  try {
    const { origin } = new URL(url);
    return origin === 'null' ? null : origin;
  } catch {
    return null;
  }
}

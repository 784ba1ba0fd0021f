import type { Dialect } from '@openlegion/contract/catalog';

/** What the adapters of all dialects have in common; derived, so that their shared types package is not imported. */
export type Adapter = ReturnType<ReturnType<typeof import('@ai-sdk/openai').createOpenAI>['chat']>;
export type AdapterOptions = Parameters<Adapter['doStream']>[0];
export type AdapterPrompt = AdapterOptions['prompt'];
type AdapterResult = Awaited<ReturnType<Adapter['doStream']>>;
export type AdapterPart = AdapterResult['stream'] extends ReadableStream<infer Part> ? Part : never;
export type AdapterTool = NonNullable<AdapterOptions['tools']>[number];
export type FunctionTool = Extract<AdapterTool, { type: 'function' }>;

type Fetch = typeof globalThis.fetch;

/** No adapter ever holds a key: the gateway adds it. The host of the URL is never looked up: `fetch` is the pipe. */
const API_KEY = 'none';
const ORIGIN = 'http://mesh.invalid';

/**
 * The adapter that speaks `dialect`, loaded when first needed. Its paths are `/llm/{provider}/` and what follows
 * the provider's base URL.
 */
export async function loadAdapter(options: {
  dialect: Dialect;
  provider: string;
  model: string;
  fetch: Fetch;
}): Promise<Adapter> {
  const { dialect, provider, model, fetch } = options;
  const baseURL = `${ORIGIN}/llm/${provider}`;
  const common = { baseURL, apiKey: API_KEY, fetch };
  switch (dialect) {
    case 'openai-chat': {
      if (provider === 'openai') {
        const { createOpenAI } = await import('@ai-sdk/openai');
        return createOpenAI(common).chat(model);
      }
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        ...common,
        name: provider,
        includeUsage: true,
        supportsStructuredOutputs: true,
      }).chatModel(model);
    }
    case 'openai-responses': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI(common).responses(model);
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic(common).languageModel(model);
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle(common).languageModel(model);
    }
  }
}

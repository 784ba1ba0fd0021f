import type { CatalogProvider } from '@openlegion/contract/catalog';

/**
 * What is decided by us about a provider rather than read from a source: how the sources' names for it belong
 * together, which of its interfaces is used, and what a source does not say (each with the page that does).
 */
export interface ProviderPlan {
  /** Its id with `@mastra/core`; `null` where it is not there. The plan's own id where absent. */
  registry?: string | null;
  /** `provider/interface` of `@earendil-works/pi-ai`, the first with the base URL. */
  piAi?: string[];
  /** Its id with `@pydantic/genai-prices`, for models that the other does not price. */
  genaiPrices?: string;
  /** Its id with models.dev; that of the registry where absent. */
  modelsDev?: string;
  name?: string;
  dialect?: CatalogProvider['dialect'];
  /** Empty: the operator's own address, which mesh.yaml must give. */
  baseUrl?: string;
  auth?: Partial<NonNullable<CatalogProvider['auth']>>;
  environment?: string[];
  only?: RegExp;
  without?: RegExp;
}

/** OpenAI answers these on /v1/responses alone (platform.openai.com/docs/models). */
const RESPONSES_ONLY = /codex|-pro(?:$|-)|daybreak|cyber/;

/** With a plan; every other provider of the registry is taken as it is there. */
export const PLANS: Record<string, ProviderPlan> = {
  openai: {
    name: 'OpenAI (chat completions)',
    piAi: ['openai/openai-responses'],
    genaiPrices: 'openai',
    dialect: 'openai-chat',
    baseUrl: 'https://api.openai.com/v1',
    without: RESPONSES_ONLY,
  },
  'openai-responses': {
    registry: 'openai',
    name: 'OpenAI (responses)',
    piAi: ['openai/openai-responses'],
    genaiPrices: 'openai',
    dialect: 'openai-responses',
    baseUrl: 'https://api.openai.com/v1',
    auth: { credential: 'OPENLEGION_SYSTEM_OPENAI_API_KEY' },
    without: /embedding|^gpt-3|^gpt-4(?:$|-turbo)/,
  },
  anthropic: {
    piAi: ['anthropic/anthropic-messages'],
    genaiPrices: 'anthropic',
    dialect: 'anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
  },
  google: {
    name: 'Google Gemini',
    piAi: ['google/google-generative-ai'],
    genaiPrices: 'google',
    dialect: 'google',
    auth: { credential: 'OPENLEGION_SYSTEM_GEMINI_API_KEY' },
    environment: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  },
  deepseek: { piAi: ['deepseek/openai-completions'], genaiPrices: 'deepseek' },
  groq: { piAi: ['groq/openai-completions'], genaiPrices: 'groq' },
  // docs.mistral.ai/api: /v1/chat/completions
  mistral: {
    piAi: ['mistral/mistral-conversations'],
    genaiPrices: 'mistral',
    dialect: 'openai-chat',
    baseUrl: 'https://api.mistral.ai/v1',
  },
  // docs.x.ai/docs/api-reference: both interfaces, the same models
  xai: {
    piAi: ['xai/openai-responses'],
    genaiPrices: 'x-ai',
    dialect: 'openai-chat',
    baseUrl: 'https://api.x.ai/v1',
  },
  openrouter: {
    piAi: ['openrouter/openai-completions', 'openrouter/anthropic-messages'],
    dialect: 'openai-chat',
  },
  // vercel.com/docs/ai-gateway/openai-compat
  vercel: {
    piAi: ['vercel-ai-gateway/anthropic-messages'],
    dialect: 'openai-chat',
    baseUrl: 'https://ai-gateway.vercel.sh/v1',
  },
  fireworks: {
    registry: 'fireworks-ai',
    piAi: ['fireworks/openai-completions', 'fireworks/anthropic-messages'],
    dialect: 'openai-chat',
  },
  together: { registry: 'togetherai', piAi: ['together/openai-completions'], genaiPrices: 'together' },
  cerebras: { piAi: ['cerebras/openai-completions'], genaiPrices: 'cerebras' },
  baseten: { piAi: ['baseten/openai-completions'], genaiPrices: 'baseten' },
  huggingface: { piAi: ['huggingface/openai-completions'] },
  moonshotai: { piAi: ['moonshotai/openai-completions'], genaiPrices: 'moonshotai', dialect: 'openai-chat' },
  'moonshotai-cn': { piAi: ['moonshotai-cn/openai-completions'], dialect: 'openai-chat' },
  minimax: { piAi: ['minimax/anthropic-messages'], genaiPrices: 'minimax' },
  'minimax-cn': { piAi: ['minimax-cn/anthropic-messages'] },
  'kimi-code-plan-cn': { piAi: ['kimi-coding/openai-completions'] },
  meta: { piAi: ['meta/openai-responses'] },
  xiaomi: { piAi: ['xiaomi/openai-completions'] },
  zai: { genaiPrices: 'zai' },
  'zai-coding-plan': { piAi: ['zai/openai-completions'] },
  zhipuai: { genaiPrices: 'zhipuai' },
  'zhipuai-coding-plan': { piAi: ['zai-coding-cn/openai-completions'] },
  'ant-ling': {
    registry: null,
    name: 'Ant Ling',
    piAi: ['ant-ling/openai-completions'],
    environment: ['ANT_LING_API_KEY'],
  },
  opencode: { piAi: ['opencode/openai-completions'] },
  'opencode-responses': {
    registry: 'opencode',
    name: 'OpenCode Zen (responses)',
    piAi: ['opencode/openai-responses'],
    auth: { credential: 'OPENLEGION_SYSTEM_OPENCODE_API_KEY' },
  },
  'opencode-anthropic': {
    registry: 'opencode',
    name: 'OpenCode Zen (messages)',
    piAi: ['opencode/anthropic-messages'],
    auth: { credential: 'OPENLEGION_SYSTEM_OPENCODE_API_KEY' },
  },
  'opencode-go': { piAi: ['opencode-go/openai-completions'] },
  'novita-ai': { genaiPrices: 'novita' },
  ovhcloud: { genaiPrices: 'ovhcloud' },
  arcee: { genaiPrices: 'arcee' },
  // deepinfra.com/docs/inference: the OpenAI-compatible interface
  deepinfra: { baseUrl: 'https://api.deepinfra.com/v1/openai' },
  // docs.perplexity.ai: every request has a fee beside its tokens, so no model is priced here
  perplexity: { baseUrl: 'https://api.perplexity.ai' },
  // docs.cohere.com/docs/compatibility-api
  cohere: {
    registry: null,
    name: 'Cohere',
    modelsDev: 'cohere',
    genaiPrices: 'cohere',
    baseUrl: 'https://api.cohere.ai/compatibility/v1',
    environment: ['COHERE_API_KEY', 'CO_API_KEY'],
  },
  // docs.sambanova.ai/docs/en/features/openai-compatibility
  sambanova: {
    registry: null,
    name: 'SambaNova',
    baseUrl: 'https://api.sambanova.ai/v1',
    environment: ['SAMBANOVA_API_KEY'],
  },
  // docs.hyperbolic.xyz/docs/rest-api
  hyperbolic: {
    registry: null,
    name: 'Hyperbolic',
    baseUrl: 'https://api.hyperbolic.xyz/v1',
    environment: ['HYPERBOLIC_API_KEY'],
  },
  // learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle: https://RESOURCE.openai.azure.com/openai/v1
  azure: {
    registry: null,
    name: 'Azure OpenAI (chat completions)',
    piAi: ['azure/azure-openai-responses'],
    dialect: 'openai-chat',
    baseUrl: '',
    auth: { header: 'api-key', scheme: 'raw' },
    environment: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    without: RESPONSES_ONLY,
  },
  'azure-responses': {
    registry: null,
    name: 'Azure OpenAI (responses)',
    piAi: ['azure/azure-openai-responses'],
    dialect: 'openai-responses',
    baseUrl: '',
    auth: { header: 'api-key', scheme: 'raw', credential: 'OPENLEGION_SYSTEM_AZURE_API_KEY' },
    environment: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
  },
  // docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html: OpenAI's models, with a Bedrock key
  'amazon-bedrock': {
    registry: null,
    name: 'Amazon Bedrock (chat completions)',
    piAi: ['amazon-bedrock/bedrock-converse-stream'],
    dialect: 'openai-chat',
    baseUrl: '',
    environment: ['AWS_BEARER_TOKEN_BEDROCK'],
    only: /^openai\./,
  },
  // cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode: …/v1/publishers/google, with an API key
  'google-vertex': {
    registry: null,
    name: 'Google Vertex AI (with an API key)',
    piAi: ['google-vertex/google-vertex'],
    dialect: 'google',
    baseUrl: '',
    environment: ['GOOGLE_CLOUD_API_KEY'],
    only: /^gemini/,
  },
  'cloudflare-workers-ai': { piAi: ['cloudflare-workers-ai/openai-completions'], baseUrl: '' },
  'cloudflare-ai-gateway': {
    registry: null,
    name: 'Cloudflare AI Gateway',
    piAi: ['cloudflare-ai-gateway/openai-completions'],
    baseUrl: '',
    environment: ['CLOUDFLARE_API_KEY'],
  },
  // A server of one's own, in front of a service that is paid for: its address is local, its prices are not nothing.
  'privatemode-ai': { baseUrl: 'http://localhost:8080/v1' },
};

/** In a source, and not in the catalog: why. docs/models.md says the same to people. */
export const LEFT_OUT: Record<string, string> = {
  netlify: 'its keys are made per site by an exchange that the gateway does not do',
  'merge-gateway': 'speaks a format of its own',
  'atomic-chat': 'a local program; add it as a provider of your own',
  lynkr: 'a local program that passes calls on to other providers, at their prices',
  'minimax-coding-plan': 'the same address as minimax',
  'minimax-cn-coding-plan': 'the same address as minimax-cn',
  lmstudio: 'is among the local servers',
  'llmgateway-providers': 'the same address as llmgateway',
};

/** Priced in another way than by the tokens of text and images that go in and text that comes out, or not usable for it. */
export const NOT_BY_TOKENS =
  /image|imagen|dall-e|veo|sora|video|tts|audio|realtime|(?:^|[-/])live|transcri|whisper|voxtral|speech|moderation|rerank|(?:^|[-/])ocr|deep-research|search-(?:preview|api)|compound|sonar|computer-use|:online|^openrouter\/|(?:^|\/)auto(?:$|-)|lyria|robotics|switchpoint|router/i;

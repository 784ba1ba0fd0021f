import type { CatalogModel, CatalogProvider } from '@openlegion/contract/catalog';

const ANY_MODEL: CatalogModel = {
  id: '*',
  contextTokens: 131_072,
  maxOutputTokens: 32_768,
  price: { input: 0, output: 0 },
  imageTokens: 100_000,
};

const local = (id: string, name: string, port: number): CatalogProvider => ({
  id,
  name,
  dialect: 'openai-chat',
  baseUrl: `http://127.0.0.1:${port}/v1`,
  local: true,
  models: [ANY_MODEL],
});

/** At the port that each listens on by default. What runs on a machine of one's own has no price. */
export const LOCAL_SERVERS: readonly CatalogProvider[] = [
  local('ollama', 'Ollama', 11_434),
  local('llamacpp', 'llama.cpp', 8080),
  local('vllm', 'vLLM', 8000),
  local('lmstudio', 'LM Studio', 1234),
  {
    id: 'scripted',
    name: 'Scripted model (runs here, costs nothing)',
    dialect: 'openai-chat',
    baseUrl: 'http://localhost/v1',
    // Priced, so that budgets can be tried without a key: the charge is counted and nobody is paid.
    models: [
      {
        id: '*',
        contextTokens: 128_000,
        maxOutputTokens: 8192,
        price: { input: 1_000_000, output: 4_000_000 },
      },
    ],
  },
];

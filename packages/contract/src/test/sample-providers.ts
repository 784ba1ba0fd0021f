import { CatalogProvider } from '../catalog.ts';

const price = { input: 1_000_000, output: 4_000_000 };
const MODELS = [
  { id: 'gpt-x', contextTokens: 1000, maxOutputTokens: 100, price, aliases: ['gpt-x-2026-01-01'] },
  { id: 'Org/Mixed-Case', contextTokens: 1000, maxOutputTokens: 100, price },
  { id: 'embed', contextTokens: 1000, maxOutputTokens: 1, price, capabilities: ['embedding'] },
];
/** For tests: providers of the catalog, of the operator's own, with any model, and on a socket. */
export const SAMPLE_PROVIDERS = [
  { id: 'p', models: MODELS },
  { id: 'own', models: MODELS, baseUrl: '', configured: true },
  {
    id: 'local',
    models: [{ id: '*', contextTokens: 10, maxOutputTokens: 10, price: { input: 0, output: 0 } }],
  },
  {
    id: 'scripted',
    socketPath: '/run/s.sock',
    models: [{ id: '*', contextTokens: 10, maxOutputTokens: 10, price }],
  },
].map((one) =>
  CatalogProvider.parse({ name: one.id, dialect: 'openai-chat', baseUrl: 'https://p.example', ...one }),
);

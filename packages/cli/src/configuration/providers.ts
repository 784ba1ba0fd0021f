/** Providers that the first run offers, with a model to begin with. Any other of the catalog needs `--model`. */
export const OFFERED_PROVIDERS = [
  { id: 'openai', label: 'OpenAI', model: 'openai/gpt-4.1-mini' },
  { id: 'anthropic', label: 'Anthropic', model: 'anthropic/claude-haiku-4-5' },
  { id: 'google', label: 'Google', model: 'google/gemini-2.5-flash' },
  { id: 'scripted', label: 'Scripted model (no key, no cost, plays a script)', model: 'scripted/assistant' },
] as const;

export const TEMPLATE_NAMES = ['starter', 'sales', 'devteam', 'content'] as const;
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

export const TEMPLATE_HINTS: Record<TemplateName, string> = {
  starter: 'one assistant',
  sales: 'researcher, qualifier and outreach work through prospects',
  devteam: 'pm, engineer and reviewer turn a wish into reviewed code',
  content: 'researcher, writer and editor turn sources into an article',
};

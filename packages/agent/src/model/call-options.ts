import type { AgentStart } from '@openlegion/contract/agent-api';
import type { Dialect } from '@openlegion/contract/catalog';
import type { Route } from '@openlegion/contract/mesh-api';
import { cleanDefinition } from '../prompt/clean-definition.ts';
import { estimateTokens } from '../prompt/estimate-tokens.ts';
import { fitTurns } from '../prompt/fit-turns.ts';
import { picturesFor, showPictures } from '../prompt/show-pictures.ts';
import type { AdapterOptions, AdapterTool } from './adapter.ts';
import type { ModelRequest } from './model-stream.ts';
import { mayReason } from './repair/may-reason.ts';
import { repairPrompt } from './repair/repair-prompt.ts';
import { objectSchema } from './repair/simplify-schema.ts';
import { toAdapterPrompt } from './to-adapter-prompt.ts';

/** However much of a small window the answer may take. */
export const MIN_PROMPT_SHARE = 0.4;

/** Anthropic's thinking is a number of tokens, in addition to those of the answer. */
const THINKING_TOKENS = { low: 5000, medium: 10_000, high: 25_000 } as const;

export function callOptions(
  agent: AgentStart,
  route: Route,
  request: ModelRequest,
  signal: AbortSignal,
): AdapterOptions {
  const answerTokens = Math.min(
    agent.maxTokens,
    route.maxOutputTokens,
    Math.ceil(route.contextTokens * (1 - MIN_PROMPT_SHARE)),
  );
  const turns = showPictures(request.turns, picturesFor(route), (_, { shown }) => shown);
  const messages = fitTurns(turns, {
    promptTokens: Math.min(route.contextTokens - answerTokens, request.promptTokens ?? route.contextTokens),
    otherTokens: estimateTokens(request.system) + estimateTokens(JSON.stringify(request.tools)),
  });
  const tools = request.tools.map(cleanDefinition).map(
    ({ name, description, inputSchema }): AdapterTool => ({
      type: 'function',
      name,
      description,
      inputSchema: objectSchema(inputSchema, route.dialect),
    }),
  );
  const prompt = repairPrompt(toAdapterPrompt(request.system, messages, route), route);
  return {
    prompt,
    maxOutputTokens: answerTokens,
    temperature: agent.temperature,
    ...(tools.length > 0 ? { tools, toolChoice: { type: 'auto' } } : {}),
    ...thinking(route.dialect === 'anthropic' && !mayReason(prompt) ? 'off' : agent.thinking, route.dialect),
    abortSignal: signal,
  };
}

function thinking(
  level: AgentStart['thinking'],
  dialect: Dialect,
): Pick<AdapterOptions, 'reasoning' | 'providerOptions'> {
  // Nothing is stored with the provider: the history is ours, and what is stored bills out of sight.
  const stored = dialect === 'openai-responses' ? { providerOptions: { openai: { store: false } } } : {};
  if (level === 'off') return stored;
  if (dialect !== 'anthropic') return { ...stored, reasoning: level };
  const budgetTokens = THINKING_TOKENS[level];
  return { providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens } } } };
}

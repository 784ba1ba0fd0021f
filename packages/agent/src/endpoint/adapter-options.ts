import type { Route } from '@openlegion/contract/mesh-api';
import { splitModelName } from '@openlegion/contract/model-name';
import type { AdapterOptions } from '../model/adapter.ts';
import { mayReason } from '../model/repair/may-reason.ts';
import { repairPrompt } from '../model/repair/repair-prompt.ts';
import { repairTools } from '../model/repair/repair-tools.ts';
import { simplifySchema } from '../model/repair/simplify-schema.ts';
import type { NeutralRequest, ToolChoice } from './neutral-request.ts';

/**
 * The neutral request as the adapter of the route's dialect takes it, repaired. `toolName` gives a tool back the name
 * that the client knows it by.
 */
export function adapterOptions(
  request: NeutralRequest,
  route: Route,
): { options: AdapterOptions; toolName: (sent: string) => string } {
  const { dialect } = route;
  const { provider } = splitModelName(route.model);
  const { tools, rename, restore } = repairTools(request.tools, dialect);
  const { maxOutputTokens, toolChoice, responseFormat, reasoning, ...settings } = request.settings;
  const prompt = repairPrompt(request.prompt, { dialect, model: route.model, rename });
  const options: AdapterOptions = {
    ...settings,
    prompt,
    ...(reasoning && (dialect !== 'anthropic' || mayReason(prompt)) ? { reasoning } : {}),
    ...(maxOutputTokens === undefined
      ? {}
      : { maxOutputTokens: Math.min(maxOutputTokens, route.maxOutputTokens) }),
    ...(tools.length > 0
      ? { tools, ...(toolChoice ? { toolChoice: renamed(toolChoice, rename) } : {}) }
      : {}),
    ...(responseFormat ? { responseFormat: formatFor(responseFormat, dialect) } : {}),
    providerOptions: providerOptions(request, dialect, provider),
  };
  return { options, toolName: restore };
}

function renamed(choice: ToolChoice, rename: (name: string) => string): ToolChoice {
  return choice.type === 'tool' ? { type: 'tool', toolName: rename(choice.toolName) } : choice;
}

type Format = NonNullable<AdapterOptions['responseFormat']>;

function formatFor(format: Format, dialect: string): Format {
  if (format.type !== 'json') return format;
  // Anthropic has no mode for JSON without a schema; any object is what is asked for.
  if (!format.schema) return dialect === 'anthropic' ? { ...format, schema: { type: 'object' } } : format;
  return dialect === 'google' ? { ...format, schema: simplifySchema(format.schema) } : format;
}

type ProviderOptions = NonNullable<AdapterOptions['providerOptions']>;

function providerOptions(request: NeutralRequest, dialect: string, provider: string): ProviderOptions {
  const { parallelToolCalls, strictSchema } = request;
  switch (dialect) {
    case 'anthropic':
      return { anthropic: parallelToolCalls === false ? { disableParallelToolUse: true } : {} };
    case 'google':
      return { google: request.settings.reasoning ? { thinkingConfig: { includeThoughts: true } } : {} };
    default: {
      const options = {
        strictJsonSchema: strictSchema,
        ...(parallelToolCalls === undefined || request.tools.length === 0 ? {} : { parallelToolCalls }),
      };
      // Nothing is stored with the provider: what is stored bills out of sight.
      if (dialect === 'openai-responses') return { openai: { ...options, store: false } };
      return provider === 'openai' ? { openai: options } : { openaiCompatible: options };
    }
  }
}

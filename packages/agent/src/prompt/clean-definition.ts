import type { ToolDefinition } from '../model/model-stream.ts';
import { cleanJson } from './clean-json.ts';
import { clean } from './prompt-text.ts';

const cleaned = new WeakMap<ToolDefinition, ToolDefinition>();

/** A tool as a prompt may tell of it, whoever described it. */
export function cleanDefinition(definition: ToolDefinition): ToolDefinition {
  const known = cleaned.get(definition);
  if (known) return known;
  const { name, description, inputSchema } = definition;
  const fit = {
    name: clean(name),
    description: clean(description),
    inputSchema: { ...Object(cleanJson(inputSchema)) },
  };
  cleaned.set(definition, fit);
  return fit;
}

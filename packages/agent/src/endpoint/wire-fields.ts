import { z } from 'zod';
import { badRequest } from './bad-request.ts';
import { type NeutralRequest, set, type ToolChoice, type UserContent } from './neutral-request.ts';

/* Fields that the wires have in common, under whatever name. */

export const JsonSchema = z.record(z.string(), z.unknown());
export const Tokens = z.int().positive().nullish();
export const Factor = z.number().nullish();
export const Flag = z.boolean().nullish();
export const Text = z.string().nullish();
export const Effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish();

/** OpenAI's way to name a function and the form of its answer. */
export const FunctionFields = {
  name: z.string(),
  description: Text,
  parameters: JsonSchema.nullish(),
  strict: Flag,
};
export const SchemaFields = { name: Text, description: Text, schema: JsonSchema.nullish(), strict: Flag };
const SchemaForm = z.object(SchemaFields);
export const ChoiceWord = z.enum(['none', 'auto', 'required']);

export function functionTool(tool: {
  name: string;
  description?: string | null | undefined;
  parameters?: Record<string, unknown> | null | undefined;
  strict?: boolean | null | undefined;
}): NeutralRequest['tools'][number] {
  const { name, parameters, description, strict } = tool;
  const inputSchema = parameters ?? { type: 'object', properties: {} };
  return { type: 'function', name, inputSchema, ...set({ description, strict }) };
}

/** `true`: any JSON object. */
export function jsonAnswer(form: z.infer<typeof SchemaForm> | boolean) {
  if (form === false) return undefined;
  const { schema, name, description } = form === true ? {} : form;
  return { type: 'json' as const, ...set({ schema, name, description }) };
}

export function toolChoice(choice: string | { name: string } | null | undefined): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (typeof choice === 'object') return { type: 'tool', toolName: choice.name };
  return choice === 'required' || choice === 'none' ? { type: choice } : { type: 'auto' };
}

export function textOf(content: UserContent): string {
  const texts = content.map((part) => {
    if (part.type === 'text') return part.text;
    throw badRequest('image', 'An image can be in a message of the user only.', 'Move it there.');
  });
  return texts.join('\n');
}

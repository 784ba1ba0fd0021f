import type { AgentStart } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';

const NAME = /^[a-z][a-z0-9-]{0,62}$/;
const RESERVED = ['mesh', 'operator', 'vault', 'default', 'user'];
const MODEL = /^[a-z0-9][a-z0-9._-]{0,62}\/[A-Za-z0-9@][A-Za-z0-9@._:/+-]*$/;
const THINKING = ['off', 'low', 'medium', 'high'] as const;
const FIELDS = [
  'name',
  'role',
  'model',
  'maxTokens',
  'temperature',
  'thinking',
  'systemPrompt',
  'initialInstructions',
  'tools',
  'egress',
  'extras',
];

function refuse(field: string): never {
  throw new OpenLegionError({
    code: 'bad_request',
    rule: `start.${field}`,
    message: `The field ${field} of the start request is missing or wrong.`,
    remedy: 'The host and the agent image are of different versions: rebuild the image.',
  });
}

function text(value: unknown, field: string): string {
  return typeof value === 'string' ? value : refuse(field);
}

function egress(value: unknown): AgentStart['egress'] {
  const { authorityPem, environment, ...rest } = record(value, 'egress');
  const pem = text(authorityPem, 'egress.authorityPem');
  if (pem.length > 8192 || Object.keys(rest).length > 0) refuse('egress');
  const variables = Object.entries(record(environment, 'egress.environment'));
  const fits = variables.every(
    ([name, held]) => name.length <= 100 && typeof held === 'string' && held.length <= 200,
  );
  if (!fits) refuse('egress.environment');
  return {
    authorityPem: pem,
    environment: Object.fromEntries(variables.map(([name, held]) => [name, String(held)])),
  };
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(field);
  return { ...value };
}

/**
 * Accepts exactly what the contract's `AgentStart` accepts (a property test holds it to that). Written by hand
 * because every agent passes here before its first message, and the schema library alone would cost an idle agent
 * more memory than everything else it has loaded.
 */
export function parseStart(value: unknown): AgentStart {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse('body');
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const field of fields.keys()) if (!FIELDS.includes(field)) refuse(field.slice(0, 100));
  const name = text(fields.get('name'), 'name');
  if (!NAME.test(name) || RESERVED.includes(name)) refuse('name');
  const model = text(fields.get('model'), 'model');
  if (model.length > 200 || !MODEL.test(model)) refuse('model');
  const maxTokens = fields.get('maxTokens');
  if (typeof maxTokens !== 'number' || !Number.isSafeInteger(maxTokens) || maxTokens <= 0)
    refuse('maxTokens');
  const temperature = fields.get('temperature');
  if (typeof temperature !== 'number' || !Number.isFinite(temperature)) refuse('temperature');
  const thinking = THINKING.find((level) => level === fields.get('thinking')) ?? refuse('thinking');
  const tools = fields.get('tools');
  if (!Array.isArray(tools)) refuse('tools');
  return {
    name,
    role: text(fields.get('role'), 'role'),
    model,
    maxTokens,
    temperature,
    thinking,
    systemPrompt: text(fields.get('systemPrompt'), 'systemPrompt'),
    initialInstructions: text(fields.get('initialInstructions'), 'initialInstructions'),
    egress: egress(fields.get('egress')),
    extras: record(fields.get('extras'), 'extras'),
    tools: tools.map((tool) => (typeof tool === 'string' && tool.length <= 100 ? tool : refuse('tools'))),
  };
}

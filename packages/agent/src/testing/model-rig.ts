import type { AgentExtras, AgentStart } from '@openlegion/contract/agent-api';
import type { PromptTurn } from '../history/prompt-turn.ts';
import { createModelStream } from '../model/create-model-stream.ts';
import type { ModelEvent, ModelRequest } from '../model/model-stream.ts';
import { ours } from '../prompt/prompt-text.ts';
import { type FakeAnswer, fakeMesh } from './fake-mesh.ts';

export const EXTRAS = {
  askFor: [],
  project: '',
  embeddingModel: null,
  browser: null,
  mcpServers: [],
  runtime: null,
} satisfies AgentExtras;

export const START: AgentStart = {
  name: 'assistant',
  role: 'helper',
  model: 'scripted/assistant',
  maxTokens: 1000,
  temperature: 0.5,
  thinking: 'off',
  systemPrompt: '',
  initialInstructions: '',
  tools: [],
  egress: { authorityPem: '', environment: {} },
  extras: { ...EXTRAS },
};

const TOOL = {
  name: 'exec',
  description: 'Run a command.',
  inputSchema: {
    type: 'object',
    properties: { command: { type: 'string' } },
    required: ['command'],
    additionalProperties: false,
  },
};

/** One call of the model client, with what went over the wire. */
export async function callModel(options: {
  route?: Record<string, unknown>;
  chain?: readonly { model: string; dialect: string }[];
  request?: Partial<ModelRequest>;
  answers: readonly FakeAnswer[];
  start?: Partial<AgentStart>;
  turns?: readonly PromptTurn[];
  signal?: AbortSignal;
}): Promise<{
  events: ModelEvent[];
  wire: ReturnType<typeof fakeMesh>['calls'];
  routes: ReturnType<typeof fakeMesh>['calls'];
  waits: number[];
}> {
  const { answers, route, chain } = options;
  const mesh = fakeMesh({ answers, ...(route ? { route } : {}), ...(chain ? { chain } : {}) });
  const waits: number[] = [];
  const stream = createModelStream({
    agent: { ...START, ...options.start },
    mesh,
    wait: async (ms) => {
      waits.push(ms);
    },
    random: () => 0.5,
    now: () => 0,
  });
  const turns = options.turns ?? [
    { messageId: 'm', messages: [{ role: 'user', from: 'user', text: 'list files' }] },
  ];
  const events: ModelEvent[] = [];
  const signal = options.signal ?? new AbortController().signal;
  for await (const event of stream(
    { system: ours`Be brief.`, turns, tools: [TOOL], ...options.request },
    signal,
  ))
    events.push(event);
  const to = (path: string) => mesh.calls.filter((call) => call.path.startsWith(path));
  return { events, wire: to('/llm/'), routes: to('/mesh/route'), waits };
}

/** A turn with a call and its result behind it, as of `model`. */
export function turnWithCall(
  dialect: string,
  providerData?: Record<string, Record<string, string>>,
): PromptTurn {
  const data = providerData ? { providerData } : {};
  return {
    messageId: 'm',
    messages: [
      { role: 'user', from: 'user', text: 'list files' },
      {
        role: 'assistant',
        model: 'p/m',
        dialect,
        parts: [
          { type: 'reasoning', text: 'I think', ...data },
          { type: 'text', text: 'Let me see.' },
          { type: 'call', callId: 'call_1_0', tool: 'exec', input: '{"command":"ls"}', ...data },
          { type: 'call', callId: 'call_1_1', tool: 'exec', input: 'not json' },
        ],
      },
      {
        role: 'tool',
        results: [
          { callId: 'call_1_0', tool: 'exec', outcome: 'ok', output: 'a.txt', durationMs: 1 },
          { callId: 'call_1_1', tool: 'exec', outcome: 'error', output: 'not JSON', durationMs: 1 },
        ],
      },
    ],
  };
}

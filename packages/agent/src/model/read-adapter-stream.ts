import { type AssistantPart, type CallPart, ProviderData } from '../history/entry.ts';
import type { AdapterPart } from './adapter.ts';
import type { ModelEvent } from './model-stream.ts';

export type FinishReason = Extract<ModelEvent, { type: 'finished' }>['reason'];

/**
 * `broken`: the stream ended without saying so, or said that it failed. `parts` holds text as far as it came and
 * calls that are whole; `silent`: nothing was passed on before.
 */
export type StreamEnd =
  | { end: 'finished'; reason: FinishReason; parts: AssistantPart[] }
  | { end: 'broken'; error: unknown; parts: AssistantPart[]; silent: boolean };

/**
 * Passes deltas on and gathers the answer. Never throws but the signal's reason: an error in the stream or of it is
 * a broken end, from which half-made tool calls are left out.
 */
export async function* readAdapterStream(
  stream: ReadableStream<AdapterPart>,
  signal: AbortSignal,
): AsyncGenerator<{ type: 'text' | 'reasoning'; text: string }, StreamEnd> {
  const parts: AssistantPart[] = [];
  const open = new Map<string, Exclude<AssistantPart, { type: 'call' }>>();
  const openPart = (type: 'text' | 'reasoning', id: string) => {
    const key = `${type} ${id}`;
    const known = open.get(key);
    if (known) return known;
    const part: Exclude<AssistantPart, { type: 'call' }> = { type, text: '' };
    open.set(key, part);
    parts.push(part);
    return part;
  };
  /** Calls on their way: some adapters give none before the end of the stream. */
  const inputs = new Map<string, CallPart>();
  const broken = (error: unknown): StreamEnd => ({
    end: 'broken',
    error,
    parts: [...parts, ...inputs.values()].filter((part) =>
      part.type === 'call' ? isWhole(part.input) : isWorthKeeping(part),
    ),
    silent: parts.every((part) => part.type !== 'call' && part.text === ''),
  });

  let failed: unknown;
  try {
    for await (const part of stream) {
      signal.throwIfAborted();
      switch (part.type) {
        case 'text-start':
        case 'text-delta':
        case 'text-end':
        case 'reasoning-start':
        case 'reasoning-delta':
        case 'reasoning-end': {
          const type = part.type.startsWith('text') ? 'text' : 'reasoning';
          const block = openPart(type, part.id);
          addData(block, part.providerMetadata);
          if (part.type !== 'text-delta' && part.type !== 'reasoning-delta') break;
          block.text += part.delta;
          if (part.delta !== '') yield { type, text: part.delta };
          break;
        }
        case 'tool-input-start': {
          const { id: callId, toolName: tool } = part;
          if (!part.providerExecuted) inputs.set(callId, { type: 'call', callId, tool, input: '' });
          break;
        }
        case 'tool-input-delta': {
          const call = inputs.get(part.id);
          if (call) call.input += part.delta;
          break;
        }
        case 'tool-call': {
          inputs.delete(part.toolCallId);
          if (part.providerExecuted) break;
          const { toolCallId: callId, toolName: tool, input } = part;
          const call: AssistantPart = { type: 'call', callId, tool, input };
          addData(call, part.providerMetadata);
          parts.push(call);
          break;
        }
        case 'error':
          failed ??= part.error;
          break;
        case 'finish': {
          if (failed !== undefined) return broken(failed);
          const reason = finishReason(part.finishReason);
          if (reason === undefined) return broken(new Error('the stream ended before the answer did'));
          return { end: 'finished', reason, parts: parts.filter(isWorthKeeping) };
        }
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    return broken(failed ?? error);
  }
  return broken(failed ?? new Error('the stream ended before the answer did'));
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  other: 'other',
};

/** Undefined: this is no end that a provider gave. */
export function finishReason(finish: { unified: string; raw: string | undefined }): FinishReason | undefined {
  const reason = REASONS[finish.unified];
  return reason === 'other' && finish.raw === undefined ? undefined : reason;
}

/** No beginning of an object is one: arguments that can be read were sent to their end. */
function isWhole(input: string): boolean {
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function isWorthKeeping(part: AssistantPart): boolean {
  return part.type === 'call' || part.text !== '' || part.providerData !== undefined;
}

/** Later data of a piece adds to earlier. What is not plain JSON is left out. */
function addData(part: AssistantPart, data: unknown): void {
  if (data === undefined) return;
  const parsed = ProviderData.safeParse(JSON.parse(JSON.stringify(data)));
  if (!parsed.success) return;
  const merged = { ...part.providerData };
  for (const [provider, values] of Object.entries(parsed.data)) {
    // An id makes the provider look for what it stored; nothing of ours is stored there.
    const { itemId, ...own } = values;
    const kept = part.type === 'reasoning' && itemId !== undefined ? { itemId, ...own } : own;
    merged[provider] = { ...merged[provider], ...kept };
  }
  if (Object.values(merged).some((values) => Object.keys(values).length > 0)) part.providerData = merged;
}

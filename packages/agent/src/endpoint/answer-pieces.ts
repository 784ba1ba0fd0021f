import { ProviderData } from '../history/entry.ts';
import type { AdapterPart } from '../model/adapter.ts';
import { type FinishReason, finishReason } from '../model/read-adapter-stream.ts';

export type PieceKind = 'text' | 'reasoning' | 'call';
export interface AnswerUsage {
  /** The whole input, what was read from and written to a cache included. */ inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** The whole output, reasoning included. */
  outputTokens: number;
  reasoningTokens: number;
}

/** An answer as every wire can tell it: one block at a time, each opened, filled and closed; then one `finish`. */
export type Piece =
  | { type: 'open'; kind: PieceKind; id: string; name: string }
  | { type: 'delta'; text: string }
  | { type: 'close'; text: string; data?: ProviderData }
  | { type: 'finish'; reason: FinishReason; usage: AnswerUsage };

/** The stream failed, or ended without saying so. `cause` is what was said. */
export class BrokenAnswer extends Error {}

interface Block {
  kind: PieceKind;
  id: string;
  name: string;
  text: string;
  sent: number;
  opened: boolean;
  ended: boolean;
  data?: ProviderData;
}

/**
 * Puts the blocks of an adapter's stream, which may run beside each other, in a row: the first is passed on as it
 * comes, those behind it wait for its end. Ids of calls are made unique. Throws `BrokenAnswer`.
 */
export async function* answerPieces(
  stream: ReadableStream<AdapterPart>,
  toolName: (sent: string) => string,
): AsyncGenerator<Piece> {
  const row: Block[] = [];
  const open = new Map<string, Block>();
  const callIds = new Set<string>();

  const start = (kind: PieceKind, id: string, name = ''): Block => {
    // Text gives way to what comes after it; a call is never cut.
    for (const [key, block] of open) {
      if (block.kind === 'call') continue;
      block.ended = true;
      open.delete(key);
    }
    const own = kind === 'call' ? ownId(id, callIds) : id;
    const entry: Block = { kind, id: own, name, text: '', sent: 0, opened: false, ended: false };
    row.push(entry);
    open.set(`${kind} ${id}`, entry);
    return entry;
  };
  const at = (kind: PieceKind, id: string, name?: string): Block =>
    open.get(`${kind} ${id}`) ?? start(kind, id, name);
  const end = (block: Block, kind: PieceKind, id: string): void => {
    block.ended = true;
    open.delete(`${kind} ${id}`);
  };

  try {
    for await (const part of stream) {
      switch (part.type) {
        case 'reasoning-start':
          if (part.providerMetadata) addData(start('reasoning', part.id), part.providerMetadata);
          break;
        case 'text-delta':
        case 'reasoning-delta': {
          const kind = part.type === 'text-delta' ? 'text' : 'reasoning';
          if (part.delta === '' && (kind === 'text' || !part.providerMetadata)) break;
          const block = at(kind, part.id);
          block.text += part.delta;
          addData(block, part.providerMetadata);
          break;
        }
        case 'text-end':
        case 'reasoning-end': {
          const kind = part.type === 'text-end' ? 'text' : 'reasoning';
          const block = open.get(`${kind} ${part.id}`);
          if (!block) break;
          addData(block, part.providerMetadata);
          end(block, kind, part.id);
          break;
        }
        case 'tool-input-start':
          if (!part.providerExecuted)
            addData(start('call', part.id, toolName(part.toolName)), part.providerMetadata);
          break;
        case 'tool-input-delta': {
          const block = open.get(`call ${part.id}`);
          if (block) block.text += part.delta;
          break;
        }
        case 'tool-call': {
          if (part.providerExecuted) break;
          const block = at('call', part.toolCallId, toolName(part.toolName));
          const input = part.input === '' ? '{}' : part.input;
          // What was already passed on cannot be taken back.
          if (input.startsWith(block.text.slice(0, block.sent))) block.text = input;
          addData(block, part.providerMetadata);
          end(block, 'call', part.toolCallId);
          break;
        }
        case 'error':
          throw part.error;
        case 'finish': {
          const reason = finishReason(part.finishReason);
          if (reason === undefined || [...open.values()].some((block) => block.kind === 'call'))
            throw new Error('the stream ended before the answer did');
          for (const block of open.values()) block.ended = true;
          yield* passOn(row);
          yield { type: 'finish', reason, usage: usageOf(part.usage) };
          return;
        }
      }
      yield* passOn(row);
    }
  } catch (cause) {
    throw new BrokenAnswer('the answer broke off', { cause });
  }
  const cause = new Error('the stream ended before the answer did');
  throw new BrokenAnswer('the answer broke off', { cause });
}

function* passOn(row: Block[]): Generator<Piece> {
  for (let block = row[0]; block; block = row[0]) {
    if (!block.opened) {
      block.opened = true;
      yield { type: 'open', kind: block.kind, id: block.id, name: block.name };
    }
    if (block.text.length > block.sent) {
      const text = block.text.slice(block.sent);
      block.sent = block.text.length;
      yield { type: 'delta', text };
    }
    if (!block.ended) return;
    row.shift();
    yield { type: 'close', text: block.text, ...(block.data ? { data: block.data } : {}) };
  }
}

function ownId(id: string, taken: Set<string>): string {
  let own = id === '' ? 'call' : id;
  for (let n = 1; taken.has(own); n++) own = `${id === '' ? 'call' : id}_${n}`;
  taken.add(own);
  return own;
}

function addData(block: Block, data: unknown): void {
  if (data === undefined) return;
  const parsed = ProviderData.safeParse(JSON.parse(JSON.stringify(data)));
  if (!parsed.success) return;
  const merged = { ...block.data };
  for (const [provider, values] of Object.entries(parsed.data)) {
    // An id makes the provider look for what it stored; nothing of ours is stored there.
    const known = Object.entries(values).filter(
      ([name, value]) => value !== null && (name !== 'itemId' || block.kind === 'reasoning'),
    );
    if (known.length > 0) merged[provider] = { ...merged[provider], ...Object.fromEntries(known) };
  }
  if (Object.keys(merged).length > 0) block.data = merged;
}

type AdapterUsage = Extract<AdapterPart, { type: 'finish' }>['usage'];

function usageOf({ inputTokens, outputTokens }: AdapterUsage): AnswerUsage {
  return {
    inputTokens: inputTokens.total ?? 0,
    cacheReadTokens: inputTokens.cacheRead ?? 0,
    cacheWriteTokens: inputTokens.cacheWrite ?? 0,
    outputTokens: outputTokens.total ?? 0,
    reasoningTokens: outputTokens.reasoning ?? 0,
  };
}

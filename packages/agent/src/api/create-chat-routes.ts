import { CancelRequest, ChatRequest, SteerRequest } from '@openlegion/contract/agent-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { z } from 'zod';
import type { History, ReceivedMessage } from '../history/create-history.ts';
import { createInterrupt, type Interrupt } from '../loop/interrupt.ts';
import { runTurn, type Turn, type TurnParts } from '../loop/run-turn.ts';
import type { HostRequest } from '../pipe/pipe.ts';
import { WORKSPACE_FILE_BYTES, type Workspace } from '../workspace/create-workspace.ts';
import { answerEmpty, answerJson } from './answer.ts';
import type { ChatRoutes, Progress } from './create-agent-api.ts';
import { readBody, readJson } from './read-body.ts';
import { openTurnStream } from './turn-stream.ts';

const MESSAGE_BYTES = 2 * 1024 * 1024;
const STEER_BYTES = 512 * 1024;
const SMALL_BYTES = 4096;
const WORKSPACE_PREFIX = '/workspace/';
const TURNS_PREFIX = '/turns/';

export interface ChatParts {
  history: History;
  turn: TurnParts;
  workspace: Workspace;
  progress: Progress;
  /** What runs a turn in the place of our loop. */
  program?: ((turn: Turn) => Promise<void>) | undefined;
  /** Is told of every event before it goes out. */
  observe?: (message: ReceivedMessage, event: TurnEvent) => Promise<void>;
  /** Before each turn: what is kept beyond its bounds goes. */
  prune: () => void;
}

/** The routes of a started agent: one turn at a time. What a handler throws is answered by the caller. */
export function createChatRoutes(parts: ChatParts): ChatRoutes {
  const { history, progress, workspace } = parts;
  let running: { messageId: string; interrupt: Interrupt } | undefined;

  const chat = async ({ stream }: HostRequest): Promise<void> => {
    const message = parse(ChatRequest, await readJson(stream, MESSAGE_BYTES), 'chat');
    if (running !== undefined) throw busy(running.messageId);
    const interrupt = createInterrupt();
    running = { messageId: message.messageId, interrupt };
    progress.messageId = message.messageId;
    try {
      const begun = history.beginTurn(message);
      parts.prune();
      const events = openTurnStream(stream, () => interrupt.raise('detached'));
      const emit: Turn['emit'] = async (event) => {
        progress.count++;
        await events.emit(event);
      };
      const observed: Turn['emit'] = async (event) => {
        // An answer that is only repeated teaches nothing.
        if (begun.state !== 'ended') await parts.observe?.(message, event);
        await emit(event);
      };
      const turn = { message, begun, interrupt, emit: observed };
      await (parts.program === undefined ? runTurn(parts.turn, turn) : parts.program(turn));
      events.end();
    } finally {
      running = undefined;
      progress.messageId = undefined;
    }
  };

  const steer = async ({ stream }: HostRequest): Promise<void> => {
    const { text } = parse(SteerRequest, await readJson(stream, STEER_BYTES), 'steer');
    if (running === undefined) throw noTurn('conflict', 'Nothing is under way that could be steered.');
    history.addSteer(running.messageId, text);
    answerEmpty(stream, 202);
  };

  const cancel = async ({ stream }: HostRequest): Promise<void> => {
    const { messageId } = parse(CancelRequest, await readJson(stream, SMALL_BYTES), 'cancel');
    if (running?.messageId !== messageId) throw noTurn('not_found', 'This message is not under way.');
    running.interrupt.raise('cancelled');
    answerEmpty(stream, 202);
  };

  const file = async (request: HostRequest, path: string): Promise<void> => {
    const { stream, method } = request;
    if (method === 'PUT') {
      await workspace.write(path, await readBody(stream, WORKSPACE_FILE_BYTES));
      answerEmpty(stream, 204);
      return;
    }
    const content = await workspace.read(path);
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
    stream.end(content);
  };

  return async (request) => {
    const { method, stream } = request;
    const url = new URL(request.path, 'http://agent.invalid');
    switch (`${method} ${url.pathname}`) {
      case 'POST /chat/stream':
        return chat(request);
      case 'POST /chat/steer':
        return steer(request);
      case 'POST /cancel':
        return cancel(request);
      case 'POST /chat/reset':
        if (running !== undefined) throw busy(running.messageId);
        history.reset();
        return answerEmpty(stream, 204);
      case 'GET /history':
        return answerJson(stream, 200, history.page(historyLimit(url.searchParams.get('limit'))));
      case 'GET /workspace':
        return answerJson(stream, 200, await workspace.list());
    }
    if (method === 'GET' && url.pathname.startsWith(TURNS_PREFIX)) {
      const { recordTurn } = await import('../history/record-turn.ts');
      const entries = history.turnEntries(decodePath(url.pathname.slice(TURNS_PREFIX.length)));
      return answerJson(stream, 200, recordTurn(entries));
    }
    // The raw path: a URL parser would resolve `..` before anyone could refuse it.
    if ((method === 'GET' || method === 'PUT') && request.path.startsWith(WORKSPACE_PREFIX)) {
      return file(request, decodePath(request.path.slice(WORKSPACE_PREFIX.length)));
    }
    throw noTurn('not_found', 'There is no such route.');
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown, of: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'body').join(', ');
  throw new OpenLegionError({
    code: 'bad_request',
    rule: `agent.${of}`,
    message: `These fields are missing or wrong: ${fields.slice(0, 300)}.`,
    remedy: 'The host and the agent image may be of different versions: rebuild the image.',
  });
}

function historyLimit(text: string | null): number {
  const limit = Number(text ?? 50);
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, 500) : 50;
}

function decodePath(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return '';
  }
}

function busy(messageId: string): OpenLegionError {
  return new OpenLegionError({
    code: 'conflict',
    rule: 'agent.one_turn',
    message: `The agent is working on the message ${messageId}.`,
    remedy: 'Wait for its end, steer it or cancel it.',
  });
}

function noTurn(code: 'conflict' | 'not_found', message: string): OpenLegionError {
  return new OpenLegionError({
    code,
    rule: 'agent.route',
    message,
    remedy: 'Ask GET /status what is under way.',
  });
}

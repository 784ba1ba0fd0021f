import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { History } from '../history/create-history.ts';
import { createInterrupt } from '../loop/interrupt.ts';
import type { Turn } from '../loop/run-turn.ts';
import type { ToolContext, ToolResult } from '../tools/tool.ts';
import { SUBAGENT_LIMITS } from './limits.ts';

type TurnEnded = Extract<TurnEvent, { type: 'turn_ended' }>;

export interface Subagent {
  id: string;
  task: string;
  depth: number;
  state: 'running' | 'complete' | 'cancelled' | 'failed';
  /** What it came to; empty while it runs. */
  result: string;
  ended: Promise<void>;
}

export interface Subagents {
  /** Begins a helper for the turn that `context` is of; a refusal where there are too many, or it is too deep. */
  start(task: string, context: ToolContext): Subagent | { refused: string };
  /** The newest last. */
  list(): readonly Subagent[];
  /** 0 for a turn of the agent itself. */
  depthOf(messageId: string): number;
}

/**
 * Helpers within the agent: turns of a session of their own, with the agent's tools but those that change it, paid
 * for as the agent's own calls. What they said and did stays in the history.
 */
export function createSubagents(parts: {
  name: string;
  history: Pick<History, 'beginTurn' | 'traceOf'>;
  run: (turn: Turn) => Promise<void>;
  log: (error: unknown) => void;
}): Subagents {
  const all: (Subagent & { messageId: string })[] = [];
  let number = 0;
  const running = () => all.filter(({ state }) => state === 'running');
  const depthOf = (messageId: string) => all.find((one) => one.messageId === messageId)?.depth ?? 0;

  return {
    list: () => all,
    depthOf,
    start(task, context) {
      const depth = depthOf(context.messageId) + 1;
      if (depth > SUBAGENT_LIMITS.depth)
        return { refused: `a subagent at depth ${SUBAGENT_LIMITS.depth} starts no other: do it yourself` };
      if (running().length >= SUBAGENT_LIMITS.atOnce)
        return { refused: `${SUBAGENT_LIMITS.atOnce} subagents run already: wait for one to end` };
      const messageId = `${context.messageId}/${context.callId}`;
      const one: (typeof all)[number] = {
        id: `subagent-${++number}`,
        messageId,
        task,
        depth,
        state: 'running',
        result: '',
        ended: Promise.resolve(),
      };
      all.push(one);
      if (all.length > SUBAGENT_LIMITS.listed + SUBAGENT_LIMITS.atOnce)
        all.splice(
          all.findIndex(({ state }) => state !== 'running'),
          1,
        );
      one.ended = live(parts, one, context).then(
        (end) => {
          one.state = end.status;
          one.result = end.text;
        },
        (error: unknown) => {
          parts.log(error);
          one.state = 'failed';
          one.result = 'it failed in a way that was not expected';
        },
      );
      return one;
    },
  };
}

async function live(
  { name, history, run }: Parameters<typeof createSubagents>[0],
  { messageId, task }: { messageId: string; task: string },
  context: ToolContext,
): Promise<{ status: TurnEnded['status']; text: string }> {
  const interrupt = createInterrupt();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    interrupt.raise('cancelled');
  }, SUBAGENT_LIMITS.lifetimeMs);
  const onAbort = () => interrupt.raise('cancelled');
  context.signal.addEventListener('abort', onAbort, { once: true });
  if (context.signal.aborted) onAbort();
  let end: TurnEnded | undefined;
  try {
    const traceId = history.traceOf(context.messageId);
    const message = { messageId, traceId, from: name, text: task, mode: 'subagent' as const };
    const begun = history.beginTurn(message);
    const emit = async (event: TurnEvent) => {
      if (event.type === 'turn_ended') end = event;
      const told = ofHelper(event, context.callId);
      if (told) await context.report?.(told);
    };
    await run({ message, begun, interrupt, emit });
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener('abort', onAbort);
  }
  const why = late
    ? `it was ended after ${SUBAGENT_LIMITS.lifetimeMs / 1000} s`
    : (end?.refusal?.message ?? '');
  return {
    status: end?.status ?? 'failed',
    text: [end?.text ?? '', why === '' ? '' : `[${why}]`].filter(Boolean).join('\n'),
  };
}

/** What of a helper's turn is told in that of the one who started it: what it did, not what it said. */
function ofHelper(event: TurnEvent, callId: string): TurnEvent | undefined {
  switch (event.type) {
    case 'tool_started':
    case 'tool_ended':
      return { ...event, callId: `${callId}/${event.callId}`.slice(0, 200) };
    case 'model_call':
    case 'model_switched':
    case 'sanitised':
    case 'context':
      return event;
    default:
      return undefined;
  }
}

export function resultOf({ state, result }: Subagent): ToolResult {
  const outcome = state === 'complete' ? 'ok' : state === 'cancelled' ? 'cancelled' : 'error';
  return { outcome, output: result === '' ? `(${state}, without a word)` : result };
}

/*
 * message → history.beginTurn ─ answered already → the recorded answer
 *              │               └ interrupted → "outcome unknown": it is not run again
 *              └→ program → events, calls recorded as they are told → steers that waited: again → end (recorded, then told)
 */
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { History } from '../history/create-history.ts';
import type { AssistantEntry, AssistantPart, TurnEnd } from '../history/entry.ts';
import { unknownResult } from '../history/order-turn.ts';
import type { Interrupt } from '../loop/interrupt.ts';
import { LOOP_LIMITS } from '../loop/limits.ts';
import type { Turn } from '../loop/run-turn.ts';
import { internalFailure } from '../loop/turn-refusals.ts';
import { frameMessage } from '../prompt/frame-message.ts';
import { clean, frame, joinText, ours, type PromptText } from '../prompt/prompt-text.ts';
import type { ProgramDriver, ProgramEvent, Said } from './program-driver.ts';
import { readResult } from './read-result.ts';
import { RUNTIME_LIMITS } from './runtime-limits.ts';
import { OUTCOME_UNKNOWN } from './runtime-refusals.ts';

export interface ProgramTurnParts {
  history: History;
  driver: ProgramDriver;
  /** The conversation before a message. */
  before: (messageId: string) => Said[];
  /** What the operator wrote for the agent; `first`: for the first message of a session. */
  instructions: (first: boolean) => string;
  /** A tool's output as it may be kept. */
  fitOutput: (messageId: string, callId: string, output: string) => Promise<string>;
  clock: () => number;
  log: (error: unknown) => void;
}

/**
 * Has another program answer one message. As with our own loop the end is on disk before it is told, nothing is
 * thrown, and a message that was answered is answered from the history. One that the agent was stopped in is not run
 * again: no one knows how far the program came.
 */
export async function runProgramTurn(parts: ProgramTurnParts, turn: Turn): Promise<void> {
  const { history } = parts;
  const { messageId } = turn.message;
  await turn.emit({ type: 'turn_started', resumed: turn.begun.state !== 'new' });
  if (turn.begun.state === 'ended') return tellEnd(turn, turn.begun.end);
  const kept = keep(parts, turn);
  try {
    if (turn.begun.state === 'interrupted') {
      for (const call of turn.begun.unanswered) await kept.unknown(call);
      const end: TurnEnd = { status: 'failed', text: '', refusal: OUTCOME_UNKNOWN };
      history.endTurn(messageId, end);
      return await tellEnd(turn, end);
    }
    const refusal = await answer(parts, turn, kept.take);
    const last = await kept.finish();
    if (turn.interrupt.cause === 'detached') {
      if (last) history.recordAssistant(messageId, last);
      return;
    }
    const status = turn.interrupt.cause === 'cancelled' ? 'cancelled' : refusal ? 'failed' : 'complete';
    const end: TurnEnd = {
      status,
      text: kept.text(),
      ...(status === 'failed' && refusal ? { refusal } : {}),
      ...(status === 'complete' && turn.message.mode === 'task' ? { result: readResult(kept.text()) } : {}),
    };
    history.endTurn(messageId, end, last);
    await tellEnd(turn, end);
  } catch (error) {
    parts.log(error);
    const refusal = error instanceof OpenLegionError ? error.refusal : internalFailure();
    await tellEnd(turn, { status: 'failed', text: '', refusal });
  }
}

/** The message, and then what was said to it meanwhile: a program cannot be interrupted by words. */
async function answer(parts: ProgramTurnParts, turn: Turn, take: (event: ProgramEvent) => Promise<void>) {
  const { history, driver } = parts;
  const { message, interrupt } = turn;
  const first = history.isFirstTurn(message.messageId);
  const before = parts.before(message.messageId);
  const request = {
    messageId: message.messageId,
    traceId: message.traceId,
    from: message.from,
    instructions: clean(parts.instructions(first)),
    signal: interrupt.signal,
  };
  let text = messageText(turn);
  try {
    for (let round = 0; interrupt.cause === undefined; round++) {
      let said = '';
      for await (const event of driver.answer({
        ...request,
        text,
        before: [...before],
        first: first && round === 0,
      })) {
        if (event.type === 'text') said = (said + event.text).slice(0, RUNTIME_LIMITS.answerChars);
        await take(event);
      }
      const steers = interrupt.cause === undefined ? history.takeSteers(message.messageId) : [];
      if (steers.length === 0) return undefined;
      for (const steer of steers) await turn.emit({ type: 'steered', text: steer });
      if (said !== '') await take({ type: 'text', text: '\n\n' });
      before.push({ role: 'user', text }, { role: 'assistant', text: clean(said) });
      text = joinText(steers.map((steer) => clean(steer)));
    }
    return undefined;
  } catch (error) {
    if (error instanceof OpenLegionError) return error.refusal;
    parts.log(error);
    return internalFailure();
  }
}

/** A message, with what its task is about. A program that is asked for a form has no other way to know of it. */
function messageText({ message }: Turn): PromptText {
  const { from, text, task } = message;
  const framed = frameMessage({ role: 'user', from, text, ...(task ? { task } : {}) });
  if (!task || task.outputSchema === null) return framed;
  return joinText([
    framed,
    ours`Answer with one JSON value alone, which fits this JSON Schema:`,
    frame('task_output_schema', JSON.stringify(task.outputSchema)),
  ]);
}

interface KeptAnswer {
  take(event: ProgramEvent): Promise<void>;
  unknown(call: { callId: string; tool: string }): Promise<void>;
  /** Ends the calls that have no result, and gives what was said since the last call. */
  finish(): Promise<AssistantEntry | undefined>;
  text(): string;
}

/** Tells and records what a program says, in bounds: calls under ids of ours, text up to what an answer may be. */
function keep({ history, fitOutput, clock }: ProgramTurnParts, turn: Turn): KeptAnswer {
  const { messageId } = turn.message;
  const open = new Map<string, { callId: string; tool: string; begun: number }>();
  let text = '';
  let pending = '';
  let left = 0;
  let calls = 0;

  const entry = (parts: AssistantPart[]): AssistantEntry => {
    const said: AssistantPart[] = pending === '' ? [] : [{ type: 'text', text: pending }];
    pending = '';
    return { model: 'program', dialect: 'program', parts: [...said, ...parts] };
  };
  const end = async (
    call: { callId: string; tool: string },
    outcome: Extract<ProgramEvent, { type: 'tool_ended' }>['outcome'],
    output: string,
    durationMs: number,
  ) => {
    const kept = await fitOutput(messageId, call.callId, output);
    history.recordResult(messageId, { ...call, outcome, output: kept, durationMs });
    const preview = kept.slice(0, LOOP_LIMITS.previewChars);
    await turn.emit({ type: 'tool_ended', ...call, outcome, preview, durationMs });
  };
  const takeText = async (said: string) => {
    const room = RUNTIME_LIMITS.answerChars - text.length;
    const fits = said.slice(0, room);
    left += said.length - fits.length;
    text += fits;
    pending += fits;
    await emitDeltas(turn, 'text_delta', fits);
  };

  return {
    async take(event) {
      switch (event.type) {
        case 'text':
          return takeText(event.text);
        case 'reasoning':
          return emitDeltas(turn, 'reasoning_delta', event.text.slice(0, RUNTIME_LIMITS.answerChars));
        case 'tool_started': {
          if (open.has(event.callId) || calls >= RUNTIME_LIMITS.toolCalls) return;
          calls++;
          const call = { callId: `call_${calls}`, tool: event.tool.slice(0, 200) };
          open.set(event.callId, { ...call, begun: clock() });
          const input = event.arguments.slice(0, LOOP_LIMITS.outputChars);
          history.recordAssistant(messageId, entry([{ type: 'call', ...call, input }]));
          return turn.emit({
            type: 'tool_started',
            ...call,
            arguments: input.slice(0, LOOP_LIMITS.argumentsChars),
          });
        }
        case 'tool_ended': {
          const call = open.get(event.callId);
          if (call === undefined) return;
          open.delete(event.callId);
          const { callId, tool, begun } = call;
          return end({ callId, tool }, event.outcome, event.output, Math.max(0, clock() - begun));
        }
      }
    },
    unknown: ({ callId, tool }) =>
      end({ callId, tool }, 'unknown', unknownResult({ callId, tool }).output, 0),
    async finish() {
      const outcome = outcomeAtEnd(turn.interrupt);
      if (outcome !== undefined) {
        for (const { callId, tool, begun } of open.values()) {
          await end({ callId, tool }, outcome, '', Math.max(0, clock() - begun));
        }
      }
      const last = entry([]);
      return last.parts.length > 0 ? last : undefined;
    },
    text: () => (left === 0 ? text : `${text}\n[… ${left} more characters were left out]`),
  };
}

/** Of calls whose end was never told: when no one listens any more they stay open, and are told as unknown later. */
function outcomeAtEnd({ cause }: Interrupt): 'cancelled' | 'unknown' | undefined {
  if (cause === 'detached') return undefined;
  return cause === 'cancelled' ? 'cancelled' : 'unknown';
}

async function emitDeltas(turn: Turn, type: 'text_delta' | 'reasoning_delta', text: string): Promise<void> {
  for (let at = 0; at < text.length; at += LOOP_LIMITS.deltaChars) {
    await turn.emit({ type, text: text.slice(at, at + LOOP_LIMITS.deltaChars) });
  }
}

async function tellEnd(turn: Turn, end: TurnEnd): Promise<void> {
  if (end.refusal) await turn.emit({ type: 'refused', refusal: end.refusal });
  const told: TurnEvent = { type: 'turn_ended', ...end };
  await turn.emit(told);
}

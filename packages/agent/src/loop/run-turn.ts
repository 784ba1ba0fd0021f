/*
 * message → history.beginTurn ─ answered already → the recorded answer
 *                  │
 *                  └→ ┌ steers → model call ─ no calls → end (recorded, then told)
 *                     │             │
 *                     └─ results ← tool calls (recorded before they run)
 */
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { History, ReceivedMessage, TurnState } from '../history/create-history.ts';
import type { AssistantEntry, CallPart, TurnEnd } from '../history/entry.ts';
import { unknownResult } from '../history/order-turn.ts';
import { textOf } from '../model/continue-answer.ts';
import type { BrokenOff, ModelStream, ToolDefinition } from '../model/model-stream.ts';
import { askModel, type ModelAnswer } from './ask-model.ts';
import type { Interrupt } from './interrupt.ts';
import { LOOP_LIMITS } from './limits.ts';
import { createLoopDetector, type LoopDetector } from './loop-detector.ts';
import { runToolCalls, type ToolRunner } from './run-tool-calls.ts';
import { emptyAnswer, internalFailure, repeated, tooManyRounds, uselessCalls } from './turn-refusals.ts';

export interface TurnParts {
  history: History;
  stream: ModelStream;
  runner: ToolRunner;
  definitions: readonly ToolDefinition[];
  /** The system prompt as of now: workspace files change between the rounds of a turn. */
  system: (messageId: string) => Promise<string>;
  /** How much history is loaded at most; the model's context may hold less. */
  promptChars: number;
  /** For people who look for what went wrong; never the wire. */
  log: (error: unknown) => void;
}

export interface Turn {
  message: ReceivedMessage;
  begun: TurnState;
  interrupt: Interrupt;
  /** Waits where the reader is slow. Never rejects: a reader that is gone raises the interrupt instead. */
  emit: (event: TurnEvent) => Promise<void>;
}

/**
 * Runs one turn to its end, which is on disk before `turn_ended` is emitted. Never throws: whatever fails is told
 * as `refused` and a failed end. A turn that could not record its end, or was detached, is left to be resumed.
 */
export async function runTurn(parts: TurnParts, turn: Turn): Promise<void> {
  await turn.emit({ type: 'turn_started', resumed: turn.begun.state !== 'new' });
  if (turn.begun.state === 'ended') return tellEnd(turn, turn.begun.end);
  try {
    const ending = await loop(parts, turn, turn.begun.state === 'interrupted' ? turn.begun.unanswered : []);
    if (ending === 'detached') return;
    parts.history.endTurn(turn.message.messageId, ending.end, ending.last);
    await tellEnd(turn, ending.end);
  } catch (error) {
    parts.log(error);
    const refusal = error instanceof OpenLegionError ? error.refusal : internalFailure();
    await tellEnd(turn, { status: 'failed', text: '', refusal });
  }
}

type Ending = { end: TurnEnd; last?: AssistantEntry } | 'detached';

async function loop(parts: TurnParts, turn: Turn, unanswered: readonly CallPart[]): Promise<Ending> {
  const { history } = parts;
  const { messageId } = turn.message;
  const state = recall(history, messageId);
  for (const call of unanswered) await settleUnknown(history, turn, call);

  for (;;) {
    if (turn.interrupt.cause !== undefined) return interrupted(turn, state.text);
    for (const text of history.takeSteers(messageId)) await turn.emit({ type: 'steered', text });
    if (state.rounds >= LOOP_LIMITS.toolRoundsPerTurn) return failed(state.text, tooManyRounds('turn'));
    if (history.sessionRounds(messageId) >= LOOP_LIMITS.toolRoundsPerSession) {
      return failed(state.text, tooManyRounds('session'));
    }
    const answer = await ask(parts, turn, state);
    const said = textOf(answer.parts);
    if (said !== '') state.text = said;
    const entry: AssistantEntry = {
      model: answer.model,
      dialect: answer.dialect,
      parts: answer.parts.map((part, index) =>
        part.type === 'call' ? { ...part, callId: `call_${state.rounds + 1}_${index}` } : part,
      ),
      ...(answer.seams.length > 0 ? { seams: answer.seams } : {}),
    };
    if (turn.interrupt.cause !== undefined && answer.type === 'failed') {
      return interrupted(turn, state.text, entry);
    }
    if (answer.type === 'failed') return failed(state.text, answer.refusal, entry);

    const calls = entry.parts.filter((part) => part.type === 'call');
    if (calls.length === 0) {
      if (history.hasSteers(messageId)) {
        history.recordAssistant(messageId, entry);
        continue;
      }
      if (said === '' && answer.reason !== 'stop')
        return failed(state.text, emptyAnswer(answer.reason), entry);
      return { end: { status: 'complete', text: bounded(state.text) }, last: entry };
    }

    history.recordAssistant(messageId, entry);
    state.brokenOff = answer.brokenOff;
    state.rounds++;
    const ran = await runToolCalls(parts.runner, {
      messageId,
      calls,
      detector: state.detector,
      interrupt: turn.interrupt,
      steered: () => history.hasSteers(messageId),
      record: (result) => history.recordResult(messageId, result),
      emit: turn.emit,
    });
    if (ran.looped) return failed(state.text, repeated());
    state.malformed = ran.malformed ? state.malformed + 1 : 0;
    if (state.malformed >= LOOP_LIMITS.malformedRounds) return failed(state.text, uselessCalls());
  }
}

interface LoopState {
  rounds: number;
  malformed: number;
  detector: LoopDetector;
  /** The newest text that the model said: the answer, once nothing follows it. */
  text: string;
  /** The model that is not to be asked next, if there is another. */
  brokenOff?: BrokenOff | undefined;
}

/** Where the turn stood, from what is recorded of it: limits hold across restarts. */
function recall(history: History, messageId: string): LoopState {
  const state: LoopState = { rounds: 0, malformed: 0, detector: createLoopDetector(), text: '' };
  for (const item of history.turnEntries(messageId)) {
    if (item.kind !== 'assistant') continue;
    const calls = item.entry.parts.filter((part) => part.type === 'call');
    for (const call of calls) state.detector.judge(call.tool, call.input);
    if (calls.length > 0) state.rounds++;
    state.text = textOf(item.entry.parts) || state.text;
  }
  return state;
}

async function ask(parts: TurnParts, turn: Turn, state: LoopState): Promise<ModelAnswer> {
  return askModel({
    stream: parts.stream,
    request: {
      system: await parts.system(turn.message.messageId),
      turns: parts.history.loadPrompt(turn.message.messageId, parts.promptChars),
      tools: parts.definitions,
      brokenOff: state.brokenOff,
    },
    round: state.rounds + 1,
    interrupt: turn.interrupt,
    emit: turn.emit,
  });
}

async function settleUnknown(history: History, turn: Turn, call: CallPart): Promise<void> {
  const result = unknownResult(call);
  history.recordResult(turn.message.messageId, result);
  await turn.emit({
    type: 'tool_ended',
    callId: call.callId,
    tool: call.tool.slice(0, 200),
    outcome: 'unknown',
    preview: result.output,
    durationMs: 0,
  });
}

function interrupted(turn: Turn, text: string, last?: AssistantEntry): Ending {
  if (turn.interrupt.cause === 'detached') return 'detached';
  return { end: { status: 'cancelled', text: bounded(text) }, ...(last ? { last } : {}) };
}

function failed(text: string, refusal: Refusal, last?: AssistantEntry): Ending {
  return { end: { status: 'failed', text: bounded(text), refusal }, ...(last ? { last } : {}) };
}

async function tellEnd(turn: Turn, end: TurnEnd): Promise<void> {
  if (end.refusal) await turn.emit({ type: 'refused', refusal: end.refusal });
  await turn.emit({ type: 'turn_ended', ...end });
}

function bounded(text: string): string {
  if (text.length <= LOOP_LIMITS.replyChars) return text;
  const mark = '\n[… the rest is in the agent’s history]';
  return text.slice(0, LOOP_LIMITS.replyChars - mark.length) + mark;
}

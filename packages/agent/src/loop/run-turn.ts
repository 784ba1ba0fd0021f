/*
 * message → history.beginTurn ─ answered already → the recorded answer
 *                  │
 *                  └→ ┌ steers → prompt → model call ─ no calls → end (recorded, then told)
 *                     │                      │     └ cut off, or no result yet → a note
 *                     └─ results ← tool calls (recorded before they run)
 */
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Refusal } from '@openlegion/contract/refusal';
import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { History, ReceivedMessage, TurnState } from '../history/create-history.ts';
import type { AssistantEntry, CallPart, TurnEnd } from '../history/entry.ts';
import { notRunResult, unknownResult } from '../history/order-turn.ts';
import { textOf } from '../model/continue-answer.ts';
import { isOverflow } from '../model/is-overflow.ts';
import type { ModelRequest, ModelStream } from '../model/model-stream.ts';
import { askModel, type ModelAnswer } from './ask-model.ts';
import { endAnswer } from './end-answer.ts';
import type { Interrupt } from './interrupt.ts';
import { LOOP_LIMITS } from './limits.ts';
import type { Offer, OfferTools } from './offer-tools.ts';
import { runToolCalls, type ToolRunner } from './run-tool-calls.ts';
import { tellSanitised } from './tell-sanitised.ts';
import { internalFailure, repeated, sessionSpent, tooManyRounds, uselessCalls } from './turn-refusals.ts';
import { answered, isLastAnswer, type LoopState, noteSaid, recallState } from './turn-state.ts';

export interface TurnParts {
  history: History;
  stream: ModelStream;
  runner: Omit<ToolRunner, 'tools' | 'withheld'>;
  /** Asked in each round: tools come and go between them. */
  offer: OfferTools;
  /** What the model is shown as of now, within its window. */
  prompt: (turn: Turn, offer: Offer) => Promise<ModelRequest>;
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
    if (turn.begun.state === 'new') await tellSanitised('message', turn.message.text, turn.emit);
    const ending = await loop(parts, turn, turn.begun.state === 'interrupted' ? turn.begun.unanswered : []);
    if (ending === 'detached') return;
    parts.history.endTurn(turn.message.messageId, ending.end, ending.last);
    await tellEnd(turn, ending.end);
  } catch (error) {
    if (turn.interrupt.cause === 'detached') return;
    parts.log(error);
    const refusal = error instanceof OpenLegionError ? error.refusal : internalFailure();
    await tellEnd(turn, { status: 'failed', text: '', refusal });
  }
}

type Ending = { end: TurnEnd; last?: AssistantEntry } | 'detached';

const LAST_NOTE =
  'This was the last of your rounds of tool calls. Calls are not run any more: answer now with what you have.';

async function loop(parts: TurnParts, turn: Turn, unanswered: readonly CallPart[]): Promise<Ending> {
  const { history } = parts;
  const { messageId, mode } = turn.message;
  const state = recallState(history, messageId);
  for (const call of unanswered) await settleUnanswered(history, turn, call);

  for (;;) {
    if (turn.interrupt.cause !== undefined) return interrupted(turn, state.text);
    for (const text of history.takeSteers(messageId)) {
      await turn.emit({ type: 'steered', text });
      await tellSanitised('steer', text, turn.emit);
    }
    if (mode === 'chat' && history.sessionRounds(messageId) >= LOOP_LIMITS.toolRoundsPerSession)
      return failed(state.text, sessionSpent());
    if (state.spent) return failed(state.text, tooManyRounds(mode));
    if (isLastAnswer(state, mode) && !state.last) {
      history.recordNote(messageId, { text: LAST_NOTE, why: 'last' });
      noteSaid(state, 'last');
    }
    const offer = await parts.offer(turn.message);
    const answer = await ask(parts, turn, state, offer);
    const said = textOf(answer.parts);
    const entry = entryOf(answer, state);
    const calls = entry.parts.filter((part) => part.type === 'call');
    answered(state, said, calls.length > 0);
    if (turn.interrupt.cause !== undefined && answer.type === 'failed')
      return interrupted(turn, state.text, entry);
    if (answer.type === 'failed' && entry.parts.length === 0 && isOverflow(answer.refusal)) {
      // The next prompt is smaller: the window was taken for less as this came.
      if (state.overflows++ < LOOP_LIMITS.overflows) continue;
    }
    if (answer.type === 'failed') return failed(state.text, answer.refusal, entry);

    if (calls.length === 0) {
      if (history.hasSteers(messageId) && !state.last) {
        history.recordAssistant(messageId, entry);
        continue;
      }
      const ending = endAnswer(turn.message, state, { said, reason: answer.reason });
      if ('end' in ending) return { end: { ...ending.end, text: bounded(ending.end.text) }, last: entry };
      history.recordNote(messageId, ending.note, entry);
      noteSaid(state, ending.note.why);
      continue;
    }

    history.recordAssistant(messageId, entry);
    state.brokenOff = answer.brokenOff;
    const ran = await runToolCalls(
      { ...parts.runner, tools: offer.tools, withheld: offer.withheld },
      {
        messageId,
        calls,
        detector: state.detector,
        interrupt: turn.interrupt,
        steered: () => history.hasSteers(messageId),
        record: (result, picture) => history.recordResult(messageId, result, picture),
        emit: turn.emit,
        ...(state.last ? { spent: 'the turn has used its rounds of tool calls' } : {}),
      },
    );
    if (ran.looped) return failed(state.text, repeated());
    state.malformed = ran.malformed ? state.malformed + 1 : 0;
    if (state.malformed >= LOOP_LIMITS.malformedRounds) return failed(state.text, uselessCalls());
  }
}

function entryOf(answer: ModelAnswer, state: LoopState): AssistantEntry {
  return {
    model: answer.model,
    dialect: answer.dialect,
    parts: answer.parts.map((part, index) =>
      part.type === 'call' ? { ...part, callId: `call_${state.rounds + 1}_${index}` } : part,
    ),
    ...(answer.seams.length > 0 ? { seams: answer.seams } : {}),
  };
}

async function ask(parts: TurnParts, turn: Turn, state: LoopState, offer: Offer): Promise<ModelAnswer> {
  const request = await parts.prompt(turn, offer);
  return askModel({
    stream: parts.stream,
    request: { ...request, brokenOff: state.brokenOff },
    round: state.rounds + 1,
    interrupt: turn.interrupt,
    emit: turn.emit,
  });
}

async function settleUnanswered(history: History, turn: Turn, call: CallPart): Promise<void> {
  const { messageId } = turn.message;
  const result = history.isWaiting(messageId, call.callId) ? notRunResult(call) : unknownResult(call);
  history.recordResult(messageId, result);
  await turn.emit({
    type: 'tool_ended',
    callId: call.callId,
    tool: call.tool.slice(0, 200),
    outcome: result.outcome,
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

import type { History, TurnMode } from '../history/create-history.ts';
import type { SteerEntry } from '../history/entry.ts';
import { textOf } from '../model/continue-answer.ts';
import type { BrokenOff } from '../model/model-stream.ts';
import { LOOP_LIMITS } from './limits.ts';
import { createLoopDetector, type LoopDetector } from './loop-detector.ts';

export interface LoopState {
  /** Rounds of tool calls, and answers of the model with calls or without. */
  rounds: number;
  answers: number;
  malformed: number;
  detector: LoopDetector;
  /** The newest text that the model said, with what it continues: the answer, once nothing follows it. */
  text: string;
  /** How often the answer under way was continued, and a task's result asked for again. */
  continued: number;
  retried: number;
  /** How often the model said that the prompt is too much for it. */
  overflows: number;
  /** The next text goes on with `text`. */
  goesOn: boolean;
  /** The model was told that its next answer is the last; and it has given it. */
  last: boolean;
  spent: boolean;
  /** The model that is not to be asked next, if there is another. */
  brokenOff?: BrokenOff | undefined;
}

/** Where the turn stood, from what is recorded of it: limits hold across restarts. */
export function recallState(history: History, messageId: string): LoopState {
  const state: LoopState = {
    rounds: 0,
    answers: 0,
    malformed: 0,
    detector: createLoopDetector(),
    text: '',
    continued: 0,
    retried: 0,
    overflows: 0,
    goesOn: false,
    last: false,
    spent: false,
  };
  for (const item of history.turnEntries(messageId)) {
    if (item.kind === 'steer') noteSaid(state, item.entry.why);
    if (item.kind !== 'assistant') continue;
    const calls = item.entry.parts.filter((part) => part.type === 'call');
    for (const call of calls) state.detector.judge(call.tool, call.input);
    answered(state, textOf(item.entry.parts), calls.length > 0);
  }
  return state;
}

export function answered(state: LoopState, said: string, calls: boolean): void {
  state.answers++;
  state.spent = state.last;
  if (calls) state.rounds++;
  if (said !== '') state.text = state.goesOn ? state.text + said : said;
  if (!state.goesOn) state.continued = 0;
  state.goesOn = false;
}

export function noteSaid(state: LoopState, why: SteerEntry['why']): void {
  if (why === 'continue') {
    state.continued++;
    state.goesOn = true;
  }
  if (why === 'result') state.retried++;
  if (why === 'last') state.last = true;
}

/** Whether the next answer is the last one that the turn has. */
export function isLastAnswer(state: LoopState, mode: TurnMode): boolean {
  return mode === 'chat'
    ? state.rounds >= LOOP_LIMITS.toolRoundsPerTurn
    : state.answers >= LOOP_LIMITS.iterations[mode] - 1;
}

import type { ReceivedMessage } from '../history/create-history.ts';
import type { SteerEntry, TurnEnd } from '../history/entry.ts';
import { LOOP_LIMITS } from './limits.ts';
import { readTaskResult } from './task-result.ts';
import { emptyAnswer, unfitResult } from './turn-refusals.ts';
import type { LoopState } from './turn-state.ts';

const GO_ON =
  'Your answer reached its limit of tokens. Go on exactly where it stops: the reader sees both as one text. Repeat nothing of it.';
const CUT = '\n[… the answer ends here because it reached its limit of tokens too many times]';

/** What becomes of an answer without calls, which `state.text` holds whole: the turn's end, or a word to the model. */
export function endAnswer(
  message: ReceivedMessage,
  state: LoopState,
  { said, reason }: { said: string; reason: string },
): { end: TurnEnd } | { note: Required<SteerEntry> } {
  const { mode, task } = message;
  const mayAskAgain = !state.last;
  const cut = reason === 'length' && said !== '';
  if (cut && mayAskAgain && state.continued < LOOP_LIMITS.continuations)
    return { note: { text: GO_ON, why: 'continue' } };
  if (said === '' && reason !== 'stop')
    return { end: { status: 'failed', text: state.text, refusal: emptyAnswer(reason) } };
  if (mode !== 'task') return { end: { status: 'complete', text: cut ? state.text + CUT : state.text } };

  const read = readTaskResult(state.text, task?.outputSchema ?? null);
  if (read.ok) {
    const { result, promotions } = read;
    const promoted = promotions.length > 0 ? { promotions } : {};
    return { end: { status: 'complete', text: state.text, result, ...promoted } };
  }
  if (mayAskAgain && state.retried < LOOP_LIMITS.resultRetries)
    return { note: { text: askAgain(read.problem), why: 'result' } };
  return { end: { status: 'failed', text: state.text, refusal: unfitResult(read.problem) } };
}

function askAgain(problem: string): string {
  return `This is no result that the task can take: ${problem}. Answer again, with nothing but one JSON value that fits the task’s output schema.`;
}

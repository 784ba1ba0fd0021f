import type { Refusal } from '@openlegion/contract/refusal';
import type { TurnMode } from '../history/create-history.ts';
import { LOOP_LIMITS } from './limits.ts';

/** Why the loop itself ends a turn. All agent-enforced. */
export function tooManyRounds(mode: TurnMode): Refusal {
  const used =
    mode === 'chat'
      ? `${LOOP_LIMITS.toolRoundsPerTurn} rounds of tool calls`
      : `${LOOP_LIMITS.iterations[mode]} iterations of a ${mode}`;
  return {
    code: 'denied',
    rule: mode === 'chat' ? 'agent.rounds_per_turn' : `agent.iterations_per_${mode}`,
    message: `The agent used its ${used} without coming to an answer.`,
    remedy: 'Send a message to let it go on, or ask for less at once.',
  };
}

export function sessionSpent(): Refusal {
  return {
    code: 'denied',
    rule: 'agent.rounds_per_session',
    message: `The agent has used the ${LOOP_LIMITS.toolRoundsPerSession} rounds of tool calls of its session.`,
    remedy: 'Reset the session (/reset) and send the message again.',
  };
}

export function unfitResult(problem: string): Refusal {
  return {
    code: 'upstream_failed',
    rule: 'agent.task_result',
    message: `The result does not fit what the task asks for: ${problem}`.slice(0, 500),
    remedy:
      'Say in the task what its result must look like, or choose a model that is better at structured answers.',
  };
}

export function repeated(): Refusal {
  return {
    code: 'denied',
    rule: 'agent.loop_detector',
    message: 'The agent made the same tool call ten times and was stopped.',
    remedy: 'Say what it should do differently.',
  };
}

export function uselessCalls(): Refusal {
  return {
    code: 'upstream_failed',
    rule: 'agent.malformed_calls',
    message: `The model made tool calls that cannot be read, ${LOOP_LIMITS.malformedRounds} times in a row.`,
    remedy: 'Send the message again, or choose a model that is better at tools.',
  };
}

export function emptyAnswer(reason: string): Refusal {
  if (reason === 'length') {
    return {
      code: 'upstream_failed',
      rule: 'llm.max_tokens',
      message: 'The model reached its limit of tokens before it said anything.',
      remedy: 'Raise llm.max_tokens, or lower thinking.',
    };
  }
  return {
    code: 'upstream_failed',
    rule: 'llm.answer',
    message:
      reason === 'content_filter'
        ? 'The provider withheld the answer (content filter).'
        : 'The model gave no answer.',
    remedy: 'Say it in other words, or choose another model.',
  };
}

export function internalFailure(): Refusal {
  return {
    code: 'internal',
    rule: 'agent.loop',
    message: 'The agent failed in a way it did not expect.',
    remedy: 'Its standard error says more; send the message again.',
  };
}

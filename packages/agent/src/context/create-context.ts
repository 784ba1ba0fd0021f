/*
 * entries of the session (history), those behind the summary ─┐
 * summary, constraints, recalled facts (context store) ───────┴→ prompt → how full is the window?
 *      60 % → facts and constraints are taken out of what is new in it
 *      70 % → all but the last four messages becomes part of the summary
 */
import type { History } from '../history/create-history.ts';
import type { PlacedMessage } from '../history/order-turn.ts';
import type { Offer } from '../loop/offer-tools.ts';
import type { Turn } from '../loop/run-turn.ts';
import { tellSanitised } from '../loop/tell-sanitised.ts';
import type { ModelRequest } from '../model/model-stream.ts';
import type { SystemPrompt } from '../prompt/create-system-prompt.ts';
import { estimateTokens } from '../prompt/estimate-tokens.ts';
import { tokensOf } from '../prompt/fit-turns.ts';
import { showPictures } from '../prompt/show-pictures.ts';
import { arrangeTurns } from './arrange-turns.ts';
import type { Condenser } from './condenser.ts';
import type { ContextState, ContextStore } from './context-store.ts';
import { type FactKeeper, NO_FACTS } from './facts.ts';
import { fitConstraints } from './fit-constraints.ts';
import { isAsked, splitMessages } from './split-messages.ts';

const FACTS_AT = 0.6;
const COMPACT_AT = 0.7;
const WARN_AT = 0.8;
/** Below this, a summary must free at least a tenth of the window to be worth its call. */
const PRESSING_AT = 0.9;
const WORTHWHILE = 0.1;
const RECALLED_CHARS = 6000;

export interface ContextParts {
  history: History;
  store: ContextStore;
  facts: FactKeeper;
  condenser: Condenser;
  /** Tokens that a prompt may have in the model of this agent, the room for its answer taken off. */
  window: (signal: AbortSignal) => Promise<number>;
  /** How many pictures that model may be shown in one. */
  pictures: () => number;
  system: SystemPrompt;
}

/** The prompt of a turn's next call. */
export type BuildPrompt = (turn: Turn, offer: Offer) => Promise<ModelRequest>;

/**
 * Keeps the prompt of a conversation of any length within the model's window. What is left out was condensed before,
 * and stays in the history. All of it follows from what is on disk: a restart changes nothing.
 */
export function createContext(parts: ContextParts): BuildPrompt {
  const { history, store, condenser } = parts;
  let warned = '';
  return async (turn, offer) => {
    const { messageId } = turn.message;
    const { signal } = turn.interrupt;
    const session = history.sessionOf(messageId);
    await recallOnce(parts, turn);
    const windowTokens = await parts.window(signal);
    const draft = () => draftPrompt(parts, turn, offer, store.load(session), windowTokens);
    let now = await draft();
    const tell = (step: 'facts' | 'compacted' | 'warning', count: number) =>
      turn.emit({ type: 'context', step, usedTokens: now.usedTokens, windowTokens, count });

    if (now.usedTokens >= windowTokens * FACTS_AT) {
      const fresh = now.placed.filter((item) => isBehind(item, now.state.extracted));
      const end = fresh.at(-1);
      if (end) {
        const { facts, constraints } = await condenser.extract(fresh, windowTokens, signal);
        await factsOf(parts, turn).remember(facts, signal);
        store.saveExtracted(session, constraints, end);
        await tell('facts', facts.length + constraints.length);
        now = await draft();
      }
    }
    if (now.usedTokens >= windowTokens * COMPACT_AT) {
      const { before } = splitMessages(now.placed, messageId);
      const leaves = before.filter((item) => !isAsked(item, messageId)).map(({ message }) => message);
      const worthwhile = tokensOf(leaves) >= windowTokens * WORTHWHILE;
      const end = before.at(-1);
      if (end && (worthwhile || now.usedTokens >= windowTokens * PRESSING_AT)) {
        const summary = await condenser.summarise(now.state.summary, before, windowTokens, signal);
        store.saveSummary(session, summary, end);
        await tell('compacted', before.length);
        now = await draft();
      }
    }
    if (warned !== messageId && (now.usedTokens >= windowTokens * WARN_AT || now.unfit > 0)) {
      warned = messageId;
      await tell('warning', now.unfit);
    }
    return now.request;
  };
}

interface Draft {
  request: ModelRequest;
  usedTokens: number;
  state: ContextState;
  /** What is behind the summary. */
  placed: readonly PlacedMessage[];
  /** Standing sentences of the user for which there is no room. */
  unfit: number;
}

async function draftPrompt(
  { history, store, system: systemOf, pictures }: ContextParts,
  turn: Turn,
  { definitions: tools, sections }: Offer,
  state: ContextState,
  windowTokens: number,
): Promise<Draft> {
  const { messageId } = turn.message;
  const placed = history.placedMessages(messageId, state.summarised);
  const constraints = fitConstraints(state.constraints, windowTokens);
  const { instructions: system, notes } = await systemOf(turn, sections, constraints);
  const arranged = arrangeTurns(turn, state.summary, placed, store.recalled(messageId) ?? '', notes);
  const turns = showPictures(arranged, pictures(), (id, { callId }) => history.pictureOf(id, callId));
  const usedTokens = turns.reduce(
    (sum, { messages }) => sum + tokensOf(messages),
    estimateTokens(system) + estimateTokens(JSON.stringify(tools)),
  );
  return {
    request: { system, turns, tools, promptTokens: windowTokens },
    usedTokens,
    state,
    placed,
    unfit: state.constraints.length - constraints.length,
  };
}

/** What a turn is reminded of is looked up once, so that all its rounds, after a restart too, have the same prompt. */
async function recallOnce(parts: ContextParts, turn: Turn): Promise<void> {
  const { store } = parts;
  const { message, interrupt } = turn;
  if (store.recalled(message.messageId) !== undefined) return;
  const task = message.task ? `\n${JSON.stringify(message.task.input).slice(0, 2000)}` : '';
  const recalled = await factsOf(parts, turn).recall(
    `${message.text.slice(0, 4000)}${task}`,
    interrupt.signal,
  );
  store.saveRecalled(message.messageId, recalled.slice(0, RECALLED_CHARS));
  await tellSanitised('memory', recalled, turn.emit);
}

/** A helper within the agent has a memory of its own, which ends with it: its conversation. */
function factsOf({ facts }: ContextParts, { message }: Turn): FactKeeper {
  return message.mode === 'subagent' ? NO_FACTS : facts;
}

function isBehind({ seq, entry }: PlacedMessage, place: { seq: number; entry: number }): boolean {
  return seq > place.seq || (seq === place.seq && entry > place.entry);
}

import type { TurnEvent } from '@openlegion/contract/turn-event';
import type { WriteLog } from './daily-log.ts';
import { isCorrection } from './is-correction.ts';
import type { Learnings } from './learnings.ts';
import type { Memory } from './memory.ts';

const PEOPLE: ReadonlySet<string> = new Set(['user', 'operator']);

/** An agent between two messages of a conversation keeps its index, one that is left alone does not. */
const IDLE_MS = 120_000;

export interface ObservedMessage {
  messageId: string;
  from: string;
  text: string;
}

/** Takes in what happens in a turn, event by event. Rejects never: what cannot be noted is logged. */
export type ObserveTurn = (message: ObservedMessage, event: TurnEvent) => Promise<void>;

/**
 * Learns from turns without the model having to think of it: tools that failed, people who corrected, what the day
 * was about. At the end of a turn memory fades a little; two minutes later it gives its index back.
 */
export function createObserveTurn(parts: {
  learnings: Learnings;
  writeLog: WriteLog;
  /** The first message of a session corrects nothing. */
  isFirstTurn: (messageId: string) => boolean;
  /** Where it was used. */
  opened: () => Promise<Pick<Memory, 'fade' | 'release'>> | undefined;
  /** Runs something later, unless what it gives back is called before. */
  after: (ms: number, run: () => void) => () => void;
  log: (error: unknown) => void;
}): ObserveTurn {
  const { learnings, writeLog, isFirstTurn, opened, after, log } = parts;
  let cancel: (() => void) | undefined;
  const note = async ({ messageId, from, text }: ObservedMessage, event: TurnEvent): Promise<void> => {
    switch (event.type) {
      case 'turn_started':
        cancel?.();
        if (event.resumed || !PEOPLE.has(from) || isFirstTurn(messageId)) return;
        if (isCorrection(text)) await learnings.corrected(text);
        return;
      case 'steered':
        if (isCorrection(event.text)) await learnings.corrected(event.text);
        return;
      case 'tool_ended':
        if (event.outcome === 'error' || event.outcome === 'refused')
          await learnings.toolFailed(event.tool, event.preview);
        return;
      case 'turn_ended': {
        await writeLog({ from, text, status: event.status, answer: event.refusal?.message ?? event.text });
        const memory = await opened();
        memory?.fade();
        if (memory) cancel = after(IDLE_MS, () => void memory.release().catch(log));
      }
    }
  };
  return (message, event) => note(message, event).catch(log);
}

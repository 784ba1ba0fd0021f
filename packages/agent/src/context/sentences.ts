import type { PlacedMessage } from '../history/order-turn.ts';
import { isPerson } from '../prompt/frame-message.ts';

const SENTENCE_CHARS = 600;
/** Of a longer text a person pasted something: its start and its end are what they said about it. */
const SAID_CHARS = 6000;

/** Something that a person said, as a whole sentence, word for word. */
export interface Sentence {
  messageId: string;
  text: string;
}

/** What people said in these messages, sentence by sentence, in their order. */
export function sentencesOfPeople(messages: readonly PlacedMessage[]): Sentence[] {
  return messages.flatMap(({ messageId, message }) => {
    if (message.role !== 'user' || !isPerson(message.from)) return [];
    return sentencesOf(message.text).map((text) => ({ messageId, text }));
  });
}

export function sentencesOf(text: string): string[] {
  const half = SAID_CHARS / 2;
  const said = text.length <= SAID_CHARS ? [text] : [text.slice(0, half), text.slice(-half)];
  return said
    .flatMap((part) => part.split(/\n+|(?<=[.!?…](?=\s))\s+|(?<=[。！？।؟])/u))
    .map((sentence) => sentence.trim().replace(/^[-*•]\s+/u, ''))
    .filter((sentence) => sentence.length >= 3 && sentence.length <= SENTENCE_CHARS);
}

import type { PlacedMessage } from '../history/order-turn.ts';
import type { ConversationFact } from './facts.ts';
import { type Sentence, sentencesOf } from './sentences.ts';

const MAX_SAID = 200;
const MAX_OF_OUTPUT = 20;
const MAX_OUTPUTS = 100;
/** A statement with something to hold on to: a number, a name within the sentence, a value that is set. */
const TELLING = /\p{N}|\p{Ll}[\p{L},;]*\s+\p{Lu}|[:=]|\p{Lo}{4}|\b(?:is|are|was|were|has|have)\b/u;
const QUESTION = /[?？؟]["'”’)\]]*$/u;

/**
 * Facts that are found by rules: what people stated, always, since no model's account is as good as their words; and
 * where the model gave none, what outputs of tools state.
 */
export function factsWithoutModel(
  messages: readonly PlacedMessage[],
  said: readonly Sentence[],
  modelDid: boolean,
): ConversationFact[] {
  const facts = said
    .filter(({ text }) => text.length >= 8 && !QUESTION.test(text) && TELLING.test(text))
    .slice(-MAX_SAID)
    .map(({ text, messageId }): ConversationFact => ({ text, category: '', source: { messageId } }));
  if (modelDid) return facts;
  const outputs = messages.flatMap(({ messageId, message }) =>
    message.role === 'tool' ? message.results.map(({ tool, output }) => ({ messageId, tool, output })) : [],
  );
  for (const { messageId, tool, output } of outputs.slice(-MAX_OUTPUTS)) {
    const stated = sentencesOf(output).filter((text) => text.length >= 8 && TELLING.test(text));
    for (const text of stated.slice(0, MAX_OF_OUTPUT))
      facts.push({ text, category: '', source: { messageId, tool } });
  }
  return facts;
}

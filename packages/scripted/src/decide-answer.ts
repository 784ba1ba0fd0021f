import type { Answer, CompiledRule, CompiledScript } from './compile-script.ts';
import type { Conversation } from './conversation.ts';

export interface DecidedAnswer {
  answer: Answer;
  /** `rules.3`, or `otherwise`. */
  rule: string;
  /** For the placeholders. */
  values: ReadonlyMap<string, string>;
}

interface Matched {
  groups: readonly string[];
  result: string;
}

/** The first rule whose every condition holds, else `otherwise`. The same conversation gets the same answer. */
export function decideAnswer(script: CompiledScript, conversation: Conversation): DecidedAnswer {
  for (const [index, rule] of script.rules.entries()) {
    const matched = match(rule, conversation);
    if (matched)
      return {
        answer: rule.answer,
        rule: `rules.${index}`,
        values: rule.answer.verbatim ? new Map() : valuesOf(conversation, matched),
      };
  }
  const result = conversation.results[0]?.text ?? '';
  return {
    answer: script.otherwise,
    rule: 'otherwise',
    values: script.otherwise.verbatim ? new Map() : valuesOf(conversation, { groups: [], result }),
  };
}

function match(rule: CompiledRule, conversation: Conversation): Matched | null {
  const { when, user, result } = rule;
  if (when.round !== undefined && when.round !== conversation.round) return null;
  if (when.system !== undefined && !conversation.system.includes(when.system)) return null;
  if (when.asked !== undefined && !conversation.user.includes(when.asked)) return null;
  const newestResult = conversation.results[0]?.text ?? '';
  if (user) {
    const groups = conversation.newest === 'user' ? user.match(conversation.user) : null;
    return groups && { groups, result: newestResult };
  }
  if (when.tool === undefined && !result) return { groups: [], result: newestResult };
  // Calls made at once are answered at once: any of their results may match.
  for (const { tool, text } of conversation.results) {
    if (when.tool !== undefined && when.tool !== tool) continue;
    const groups = result ? result.match(text) : [];
    if (groups) return { groups, result: text };
  }
  return null;
}

function valuesOf(conversation: Conversation, { groups, result }: Matched): Map<string, string> {
  return new Map([
    ['user', conversation.user],
    ['result', result],
    ['system', conversation.system],
    ['round', String(conversation.round)],
    ...groups.map((group, index): [string, string] => [String(index), group]),
  ]);
}

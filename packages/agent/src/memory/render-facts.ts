import type { Fact } from './memory.ts';
import { quoteLine } from './quote-line.ts';

/**
 * Facts as a model is shown them: data, one line each, with source and date. The text is a JSON string, so that
 * nothing in it can begin a line of its own and pass for another fact or for somebody's words. Not sanitised yet.
 */
export function renderFacts(facts: readonly Fact[]): string {
  return facts.map(renderFact).join('\n');
}

function renderFact(fact: Fact): string {
  const about = [fact.category, fact.scope, fact.key].filter((part) => part !== '').join('/');
  const trust = fact.trusted ? 'said so' : 'unverified';
  const where = about === '' ? '' : `${quoteLine(about)} `;
  return `#${fact.id} ${where}[${fact.source}, ${trust}, ${fact.at.slice(0, 10)}] ${quoteLine(fact.text)}`;
}

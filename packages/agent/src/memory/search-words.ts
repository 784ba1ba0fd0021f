import type { Database } from '../history/database.ts';
import { tokenise } from './tokenise.ts';

/** Words of a query that are looked up; a longer one is asked about by its first ones. */
const MOST_WORDS = 32;
/** A word in more facts than this finds nothing by itself: what it says it says by standing beside others. */
const COMMON_FACTS = 1000;
/** Facts that rare words may name in all. */
const MOST_POSTINGS = 4000;
const MOST_TOGETHER = 300;

/** The words that a fact is found by, as FTS5 is given them. */
export function indexWords(text: string): string {
  return [...new Set(tokenise(text).map((token) => token.text))].join(' ');
}

/**
 * Facts that have words of the query, the best first, each scored by the sum of what its words tell (inverse document
 * frequency). Bounded whatever the query: rare words are looked up one by one; of common ones only where several
 * stand together. A rank over every fact that has any of the words would take time with the size of the memory.
 */
export function searchWords(
  database: Database,
  query: string,
  facts: number,
  count: number,
  among?: ReadonlySet<number>,
): number[] {
  const words = new Map<string, number>();
  for (const { text, dense } of tokenise(query)) {
    if (words.size >= MOST_WORDS) break;
    // A pair of characters tells what its characters do not; alone they stand only for a query of one.
    words.set(text, dense && [...text].length === 1 ? 0.25 : 1);
  }
  const known = [...words]
    .map(([word, weight]) => ({ word, weight, facts: countFacts(database, word) }))
    .filter((word) => word.facts > 0)
    .sort((a, b) => a.facts - b.facts);
  const scores = new Map<number, number>();
  const score = (found: readonly number[], told: number) => {
    for (const fact of found) if (!among || among.has(fact)) scores.set(fact, (scores.get(fact) ?? 0) + told);
  };
  const tells = (word: { weight: number; facts: number }) =>
    word.weight * Math.log(1 + Math.max(1, facts) / word.facts);

  let postings = 0;
  for (const word of known) {
    if (word.facts >= COMMON_FACTS || postings + word.facts > MOST_POSTINGS) break;
    postings += word.facts;
    score(match(database, quote(word.word), COMMON_FACTS), tells(word));
  }
  if (scores.size < count) {
    const common = known.filter((word) => word.facts >= COMMON_FACTS).slice(0, 4);
    for (const [index, one] of common.entries()) {
      for (const other of common.slice(index + 1)) {
        const both = `${quote(one.word)} AND ${quote(other.word)}`;
        score(match(database, both, MOST_TOGETHER), tells(one) + tells(other));
      }
    }
    const [only] = common;
    if (only && scores.size < count) score(match(database, quote(only.word), MOST_TOGETHER), tells(only));
  }
  return [...scores]
    .sort(([a, one], [b, other]) => other - one || b - a)
    .slice(0, count)
    .map(([fact]) => fact);
}

function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

/** At most `COMMON_FACTS`. */
function countFacts(database: Database, word: string): number {
  return Number(
    database.read(
      'SELECT count(*) AS facts FROM (SELECT 1 FROM fact_words WHERE fact_words MATCH ? LIMIT ?)',
      quote(word),
      COMMON_FACTS,
    )[0]?.facts ?? 0,
  );
}

/** The newest first. */
function match(database: Database, expression: string, most: number): number[] {
  const rows = database.read(
    `SELECT json_group_array(rowid) AS facts
     FROM (SELECT rowid FROM fact_words WHERE fact_words MATCH ? ORDER BY rowid DESC LIMIT ?)`,
    expression,
    most,
  );
  const facts: unknown = JSON.parse(String(rows[0]?.facts ?? '[]'));
  return Array.isArray(facts) ? facts.filter((fact) => typeof fact === 'number') : [];
}

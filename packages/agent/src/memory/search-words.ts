import type { Database } from '../history/database.ts';
import { otherSpellings } from './spellings.ts';
import { tokenise } from './tokenise.ts';

/** Words of a query that are looked up; a longer one is asked about by its first ones. */
const MOST_WORDS = 32;
/** A word in more facts than this finds nothing by itself: what it says it says by standing beside others. */
const COMMON_FACTS = 500;
/** Facts that rare words may name in all. */
const MOST_POSTINGS = 4000;
const MOST_TOGETHER = 300;

/** What a word counts that is not the query's own: another spelling, or another word that begins like it. */
const SPELLING_WEIGHT = 0.7;
const STEM_WEIGHT = 0.4;
/** A character of a dense script tells less than the pair it is part of. */
const CHARACTER_WEIGHT = 0.25;
/** Short words are mostly grammar, in most languages. */
const SHORT_WORD = /^\p{L}{1,3}$/u;
const SHORT_WEIGHT = 0.4;

const STEM_LETTERS = 5;
/** Stands before the beginning of a word that is indexed beside the word; no word has it. */
const STEM_MARK = '\u00a6';

/** The words that a fact is found by, as FTS5 is given them: each word, and the beginnings of the longer ones. */
export function indexWords(text: string): string {
  const words = new Set<string>();
  for (const { text: word, dense } of tokenise(text)) {
    words.add(word);
    const stem = dense ? undefined : stemOf(word);
    if (stem !== undefined) words.add(stem);
  }
  return [...words].join(' ');
}

/** Inflections of most languages are at the end of a word: its beginning is shared by its relatives. */
function stemOf(word: string): string | undefined {
  return word.length > STEM_LETTERS ? STEM_MARK + word.slice(0, STEM_LETTERS) : undefined;
}

interface Word {
  text: string;
  weight: number;
  /** The newest that have it, at most `COMMON_FACTS`: a word with so many is common. */
  facts: readonly number[];
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
  const words = wordsOf(database, query);
  const scores = new Map<number, number>();
  const score = (found: readonly number[], told: number) => {
    for (const fact of found) if (!among || among.has(fact)) scores.set(fact, (scores.get(fact) ?? 0) + told);
  };
  const tells = (word: Word) => word.weight * Math.log(1 + Math.max(1, facts) / word.facts.length);

  let postings = 0;
  for (const word of words) {
    if (word.facts.length >= COMMON_FACTS || postings + word.facts.length > MOST_POSTINGS) break;
    postings += word.facts.length;
    score(word.facts, tells(word));
  }
  if (scores.size < count) {
    const common = words.filter((word) => word.facts.length >= COMMON_FACTS && word.weight === 1).slice(0, 4);
    for (const [index, one] of common.entries()) {
      for (const other of common.slice(index + 1)) {
        const both = `${quote(one.text)} AND ${quote(other.text)}`;
        score(match(database, both, MOST_TOGETHER), tells(one) + tells(other));
      }
    }
    const [only] = common;
    if (only && scores.size < count) score(only.facts, tells(only));
  }
  return [...scores]
    .sort(([a, one], [b, other]) => other - one || b - a)
    .slice(0, count)
    .map(([fact]) => fact);
}

/** The words to look up, the rarest first; those of which there is nothing are left out. */
function wordsOf(database: Database, query: string): Word[] {
  const words = new Map<string, Word>();
  const add = (text: string, weight: number): boolean => {
    const known = words.get(text);
    if (known) known.weight = Math.max(known.weight, weight);
    else if (words.size < MOST_WORDS)
      words.set(text, { text, weight, facts: match(database, quote(text), COMMON_FACTS) });
    return (words.get(text)?.facts.length ?? 0) > 0;
  };
  for (const { text, dense } of tokenise(query)) {
    const found = add(text, weightOf(text, dense));
    if (dense) continue;
    const meant = found ? [text] : [text, ...otherSpellings(database, text)];
    for (const word of meant) {
      if (word !== text) add(word, SPELLING_WEIGHT);
      const stem = stemOf(word);
      if (stem !== undefined) add(stem, STEM_WEIGHT);
    }
  }
  return [...words.values()]
    .filter((word) => word.facts.length > 0)
    .sort((a, b) => a.facts.length - b.facts.length);
}

function weightOf(text: string, dense: boolean): number {
  if (dense) return [...text].length === 1 ? CHARACTER_WEIGHT : 1;
  return SHORT_WORD.test(text) ? SHORT_WEIGHT : 1;
}

function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
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

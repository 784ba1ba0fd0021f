import type { Database } from '../history/database.ts';
import { tokenise } from './tokenise.ts';

const SHORTEST = 4;
const LONGEST = 24;
/** Words of one text whose spellings are kept. */
const MOST_WORDS = 100;
const MOST_FOUND = 4;

/**
 * Keeps, for each word of a text, what is left of it when one letter is left out. Two words that are one slip apart
 * (a letter missing, too many, another one, or two swapped) have one of these in common (Garbe's symmetric deletes).
 */
export function learnSpellings(database: Database, text: string): void {
  for (const word of plainWords(text).slice(0, MOST_WORDS)) {
    const known = database.read('SELECT 1 FROM word_spellings WHERE spelling = ? AND word = ?', word, word);
    if (known.length > 0) continue;
    for (const spelling of [word, ...deletes(word)])
      database.write('INSERT OR IGNORE INTO word_spellings (spelling, word) VALUES (?, ?)', spelling, word);
  }
}

/** Words of the memory that are one slip away from `word`, at most 4. */
export function otherSpellings(database: Database, word: string): string[] {
  if (!isPlain(word)) return [];
  return database
    .read(
      `SELECT DISTINCT word FROM word_spellings
       WHERE spelling IN (SELECT value FROM json_each(?)) AND word <> ? LIMIT ?`,
      JSON.stringify([word, ...deletes(word)]),
      word,
      MOST_FOUND,
    )
    .map((row) => String(row.word));
}

function plainWords(text: string): string[] {
  const words = tokenise(text).flatMap((token) => (!token.dense && isPlain(token.text) ? [token.text] : []));
  return [...new Set(words)];
}

/** Numbers and identifiers one slip apart are others, not the same misspelt. */
function isPlain(word: string): boolean {
  return word.length >= SHORTEST && word.length <= LONGEST && /^[\p{L}\p{M}]+$/u.test(word);
}

function deletes(word: string): string[] {
  const letters = [...word];
  return letters.map((_, at) => letters.toSpliced(at, 1).join(''));
}

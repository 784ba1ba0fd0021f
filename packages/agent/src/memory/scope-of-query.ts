import type { Database } from '../history/database.ts';
import { embedLocally } from './embed-locally.ts';
import { cosine, fromBytes, toBytes } from './quantise.ts';
import { normalise } from './tokenise.ts';

/** From here on a word of the query names a category, whatever its ending. */
const CATEGORY_NEAR = 0.7;
const MOST_CATEGORIES = 200;
const MOST_QUERY_WORDS = 16;
/** The newest facts of a scope that is too large are searched as it; all of them are searched without it. */
const MOST_SCOPED = 20_000;

export interface Scoped {
  /** Facts to look at first; absent where nothing names any. */
  facts?: ReadonlySet<number>;
  /** The caller named the scope, rather than the query. */
  asked: boolean;
}

/** Which facts a query is about, by the category and scope that the caller gives or its own words name. */
export function scopeOf(
  database: Database,
  query: string,
  asked: { category: string; scope: string },
): Scoped {
  if (asked.category !== '' || asked.scope !== '') {
    const where = `(?1 = '' OR category = ?1) AND (?2 = '' OR scope = ?2)`;
    return { facts: read(database, where, asked.category, asked.scope), asked: true };
  }
  const words = normalise(query)
    .split(/[^\p{L}\p{N}_-]+/u)
    .filter((word) => word !== '')
    .slice(0, MOST_QUERY_WORDS);
  const pairs = words.slice(1).map((word, index) => `${words[index]} ${word}`);
  for (const name of [...pairs, ...words]) {
    const found = database.read('SELECT 1 FROM facts WHERE scope = ? LIMIT 1', name).length > 0;
    if (found) return { facts: read(database, `scope = ?1`, name), asked: false };
  }
  const vectors = words.filter((word) => word.length > 2).map(vectorOf);
  for (const category of categories(database)) {
    const vector = vectorOf(category);
    if (!vectors.some((word) => cosine(word, vector) >= CATEGORY_NEAR)) continue;
    return { facts: read(database, `category = ?1`, category), asked: false };
  }
  return { asked: false };
}

/** Skips through the index from one category to the next, rather than over all facts. */
function categories(database: Database): string[] {
  return database
    .read(
      `WITH RECURSIVE names (name) AS (
         SELECT min(category) FROM facts WHERE category > ''
         UNION ALL SELECT (SELECT min(category) FROM facts WHERE category > name) FROM names WHERE name IS NOT NULL
       ) SELECT name FROM names WHERE name IS NOT NULL LIMIT ?`,
      MOST_CATEGORIES,
    )
    .map((row) => String(row.name));
}

function vectorOf(text: string): Int8Array {
  return fromBytes(toBytes(embedLocally(text)));
}

function read(database: Database, where: string, ...values: string[]): ReadonlySet<number> {
  const rows = database.read(
    `SELECT json_group_array(id) AS ids FROM (SELECT id FROM facts WHERE ${where} ORDER BY id DESC LIMIT ${MOST_SCOPED})`,
    ...values,
  );
  const ids: unknown = JSON.parse(String(rows[0]?.ids ?? '[]'));
  return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'number') : []);
}

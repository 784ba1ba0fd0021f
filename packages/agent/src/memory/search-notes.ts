import type { Database } from '../history/database.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { indexWords } from './search-words.ts';
import { tokenise } from './tokenise.ts';

const TEXT_FILE = /\.(?:md|markdown|txt|org|rst)$/i;
/** Hidden files (older versions among them), and what stands in every prompt as it is. */
const LEFT_OUT = /(?:^|\/)\.|^SYSTEM\.md$/;
const MOST_FILES = 500;
const MOST_BYTES = 256 * 1024;
const PASSAGE_CHARS = 1000;
const MOST_WORDS = 24;

export interface Passage {
  path: string;
  /** Of its first line in the file. */
  line: number;
  text: string;
}

/** The passages of the workspace's text files that fit a query best (BM25), at most `limit`. */
export type SearchNotes = (query: string, limit: number) => Promise<Passage[]>;

/**
 * The index is brought up to date before each search: files that changed are read again. At most 500 files of at most
 * 256 KiB, hidden directories (older versions) left out.
 */
export function createSearchNotes(database: Database, workspace: Workspace): SearchNotes {
  const refresh = async (): Promise<void> => {
    const wanted = new Map(
      (await workspace.stamps())
        .filter(({ path, bytes }) => TEXT_FILE.test(path) && bytes <= MOST_BYTES && !LEFT_OUT.test(path))
        .slice(0, MOST_FILES)
        .map(({ path, bytes, changedMs }) => [path, `${bytes} ${changedMs}`]),
    );
    const known = new Map(
      database.read('SELECT path, stamp FROM note_files').map((row) => [String(row.path), String(row.stamp)]),
    );
    for (const path of known.keys()) if (!wanted.has(path)) database.transaction(() => drop(database, path));
    for (const [path, stamp] of wanted) {
      if (known.get(path) === stamp) continue;
      const text = await workspace.read(path).then(
        (bytes) => bytes.toString('utf8'),
        () => undefined,
      );
      database.transaction(() => {
        drop(database, path);
        if (text !== undefined) add(database, path, stamp, text);
      });
    }
  };

  return async (query, limit) => {
    await refresh();
    const words = [...new Set(tokenise(query).map(({ text }) => text))].slice(0, MOST_WORDS);
    if (words.length === 0) return [];
    return database
      .read(
        `SELECT path, line, text FROM note_words JOIN note_passages ON id = note_words.rowid
         WHERE note_words MATCH ? ORDER BY bm25(note_words) LIMIT ?`,
        words.map((word) => `"${word}"`).join(' OR '),
        limit,
      )
      .map((row) => ({ path: String(row.path), line: Number(row.line), text: String(row.text) }));
  };
}

function drop(database: Database, path: string): void {
  database.write('DELETE FROM note_words WHERE rowid IN (SELECT id FROM note_passages WHERE path = ?)', path);
  database.write('DELETE FROM note_passages WHERE path = ?', path);
  database.write('DELETE FROM note_files WHERE path = ?', path);
}

function add(database: Database, path: string, stamp: string, text: string): void {
  database.write('INSERT INTO note_files (path, stamp) VALUES (?, ?)', path, stamp);
  for (const passage of passages(text)) {
    database.write(
      'INSERT INTO note_passages (path, line, text) VALUES (?, ?, ?)',
      path,
      passage.line,
      passage.text,
    );
    database.write(
      'INSERT INTO note_words (rowid, words) VALUES (last_insert_rowid(), ?)',
      indexWords(`${path} ${passage.text}`),
    );
  }
}

/** Lines together up to about 1,000 characters; a heading begins a passage of its own. */
function passages(text: string): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = [];
  let open: { line: number; text: string } | undefined;
  for (const [index, full] of text.split('\n').entries()) {
    for (let from = 0; from === 0 || from < full.length; from += PASSAGE_CHARS) {
      const line = full.slice(from, from + PASSAGE_CHARS);
      const begins =
        open === undefined || open.text.length + line.length > PASSAGE_CHARS || /^#{1,6} /.test(line);
      if (begins && line.trim() !== '') {
        open = { line: index + 1, text: line };
        found.push(open);
      } else if (open) open.text += `\n${line}`;
    }
  }
  return found.map((passage) => ({ ...passage, text: passage.text.trimEnd() }));
}

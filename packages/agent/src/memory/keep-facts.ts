import { createHash } from 'node:crypto';
import type { Database } from '../history/database.ts';
import { embedLocally } from './embed-locally.ts';
import { type Judged, judgeSource } from './judge-source.ts';
import type { NewFact, Remembered } from './memory.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';
import { indexWords } from './search-words.ts';
import { learnSpellings } from './spellings.ts';
import { normalise, tokenise } from './tokenise.ts';
import { vectorId } from './vector-id.ts';
import type { VectorSpace } from './vector-space.ts';

const MOST_REPLACED = 5;

export interface KeepParts {
  database: Database;
  local: VectorSpace;
  /** Where vectors of the model are, which no longer fit a text that changes. */
  model: VectorSpace | undefined;
  /** Unix time in milliseconds. */
  now: () => number;
  mostFacts: number;
}

interface Kept {
  id: number;
  text: string;
  trusted: boolean;
}

/**
 * Keeps one fact, in the caller's transaction. The same statement is kept once. Of one key there is one trusted value
 * and one untrusted: each takes the place of the older one of its kind, a trusted one that of both, and an untrusted
 * one never that of a trusted one. Where memory is full, the least present untrusted facts make room.
 */
export function keepFact(parts: KeepParts, fact: NewFact): Remembered {
  const problem = problemOf(fact);
  if (problem !== undefined) return { outcome: 'refused', problem };
  const text = fact.text.trim();
  const judged = judgeSource(parts.database, text, fact.source);
  const about = { category: label(fact.category), scope: label(fact.scope), key: label(fact.key) };
  const fingerprint = fingerprintOf(text);

  const same = kept(
    parts.database.read(
      `SELECT id, text, trusted FROM facts WHERE fingerprint = ? AND scope = ? AND (key = ? OR ? = '') LIMIT 1`,
      fingerprint,
      about.scope,
      about.key,
      about.key,
    )[0],
  );
  const values = about.key === '' ? [] : valuesOf(parts.database, about.scope, about.key);
  if (same) {
    if (judged.trusted && !same.trusted) confirm(parts, same.id, fact, judged);
    if (judged.trusted) for (const other of values) if (other.id !== same.id) forget(parts, other);
    return { outcome: 'known', id: same.id, trusted: same.trusted || judged.trusted };
  }

  const trustedValue = values.find(({ trusted }) => trusted);
  const old = judged.trusted ? (trustedValue ?? values[0]) : values.find(({ trusted }) => !trusted);
  if (old === undefined) {
    if (!makeRoom(parts)) return { outcome: 'refused', problem: FULL };
  } else {
    archive(parts.database, old.id);
  }
  const id = old?.id ?? freeId(parts.database);
  write(parts, id, { text, fingerprint, ...about, ...judged, messageId: fact.source.messageId });
  if (judged.trusted) for (const other of values) if (other.id !== id) forget(parts, other);
  const beside = !judged.trusted && trustedValue !== undefined;
  return { outcome: beside ? 'beside' : old ? 'replaced' : 'added', id, trusted: judged.trusted };
}

const FULL =
  'memory is full of what people said, which is not dropped for anything; an operator can delete the agent’s data';

function problemOf({ text, category = '', scope = '', key = '' }: NewFact): string | undefined {
  const { textChars, categoryChars, scopeChars, keyChars } = MEMORY_LIMITS;
  if (text.length > textChars) return `a fact is at most ${textChars} characters: split it`;
  if (tokenise(text).length === 0) return 'there is no word in it';
  if (category.length > categoryChars) return `a category is at most ${categoryChars} characters`;
  if (scope.length > scopeChars) return `a scope is at most ${scopeChars} characters`;
  return key.length > keyChars ? `a key is at most ${keyChars} characters` : undefined;
}

export function label(text: string | undefined): string {
  return normalise(text ?? '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}

/** Width, case, spaces and a full stop make no other statement; anything more might. */
function fingerprintOf(text: string): string {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\s+/gu, ' ')
    .replace(/[.。!！\s]+$/u, '')
    .trim();
  return createHash('sha256').update(plain).digest('base64');
}

function valuesOf(database: Database, scope: string, key: string): Kept[] {
  return database
    .read('SELECT id, text, trusted FROM facts WHERE scope = ? AND key = ? ORDER BY trusted DESC', scope, key)
    .flatMap((row) => kept(row) ?? []);
}

function kept(row: Record<string, unknown> | undefined): Kept | undefined {
  return row && { id: Number(row.id), text: String(row.text), trusted: row.trusted === 1 };
}

/** A person said what so far only something untrusted had. */
function confirm(parts: KeepParts, id: number, fact: NewFact, { source, traceId }: Judged): void {
  parts.database.write(
    `UPDATE facts SET trusted = 1, source = ?, trace_id = ?, message_id = ?,
       category = CASE WHEN ? = '' THEN category ELSE ? END WHERE id = ?`,
    source,
    traceId,
    fact.source.messageId,
    label(fact.category),
    label(fact.category),
    id,
  );
}

function write(
  { database, local, model, now }: KeepParts,
  id: number,
  fact: {
    text: string;
    fingerprint: string;
    category: string;
    scope: string;
    key: string;
    messageId: string;
  } & Judged,
): void {
  const at = now();
  dropModelVector(database, model, id);
  database.write(
    `INSERT INTO facts (id, text, fingerprint, category, scope, key, trusted, source, message_id, trace_id, at,
       accesses, accessed_at, fades_before, space)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, (SELECT fades FROM memory_state), 0)
     ON CONFLICT (id) DO UPDATE SET text = excluded.text, fingerprint = excluded.fingerprint,
       category = excluded.category, trusted = excluded.trusted, source = excluded.source,
       message_id = excluded.message_id, trace_id = excluded.trace_id, at = excluded.at,
       accessed_at = excluded.accessed_at, fades_before = excluded.fades_before, space = 0`,
    id,
    fact.text,
    fact.fingerprint,
    fact.category,
    fact.scope,
    fact.key,
    fact.trusted ? 1 : 0,
    fact.source,
    fact.messageId,
    fact.traceId,
    new Date(at).toISOString(),
    at,
  );
  const found = [fact.text, fact.category, fact.scope, fact.key].join(' ');
  database.write('DELETE FROM fact_words WHERE rowid = ?', id);
  database.write('INSERT INTO fact_words (rowid, words) VALUES (?, ?)', id, indexWords(found));
  learnSpellings(database, found);
  local.put(id, embedLocally(found));
}

function archive(database: Database, id: number): void {
  database.write(
    `INSERT INTO replaced_facts (fact, text, trusted, source, message_id, trace_id, at)
     SELECT id, text, trusted, source, message_id, trace_id, at FROM facts WHERE id = ?`,
    id,
  );
  database.write(
    `DELETE FROM replaced_facts WHERE fact = ? AND seq NOT IN
       (SELECT seq FROM replaced_facts WHERE fact = ? ORDER BY seq DESC LIMIT ?)`,
    id,
    id,
    MOST_REPLACED,
  );
}

function forget({ database, local, model }: KeepParts, { id }: { id: number }): void {
  dropModelVector(database, model, id);
  database.write('DELETE FROM facts WHERE id = ?', id);
  database.write('DELETE FROM fact_words WHERE rowid = ?', id);
  database.write('DELETE FROM replaced_facts WHERE fact = ?', id);
  database.write('INSERT INTO free_facts (id) VALUES (?)', id);
  local.remove(id);
}

/** Of whichever model it is. */
function dropModelVector(database: Database, model: VectorSpace | undefined, id: number): void {
  const space = Number(database.read('SELECT space FROM facts WHERE id = ?', id)[0]?.space ?? 0);
  if (space === 0) return;
  if (space === model?.id) model.remove(id);
  else database.write('DELETE FROM vectors WHERE id = ?', vectorId(space, id));
}

/** An id is a place among the signatures: one that became free is used again. */
function freeId(database: Database): number {
  const free = database.read('SELECT id FROM free_facts LIMIT 1')[0]?.id;
  if (free === undefined) return Number(database.read('SELECT max(id) AS id FROM facts')[0]?.id ?? -1) + 1;
  database.write('DELETE FROM free_facts WHERE id = ?', Number(free));
  return Number(free);
}

/** Whether there is room for one more. */
function makeRoom(parts: KeepParts): boolean {
  const { database, mostFacts } = parts;
  if (database.read('SELECT 1 FROM free_facts LIMIT 1').length > 0) return true;
  if (Number(database.read('SELECT max(id) AS id FROM facts')[0]?.id ?? -1) + 1 < mostFacts) return true;
  const dropped = database.read(
    'SELECT id FROM facts WHERE trusted = 0 ORDER BY accesses, fades_before, accessed_at LIMIT ?',
    Math.max(1, Math.floor(mostFacts / 1000)),
  );
  for (const { id } of dropped) forget(parts, { id: Number(id) });
  return dropped.length > 0;
}

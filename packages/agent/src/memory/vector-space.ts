import type { Database } from '../history/database.ts';
import { cosine, fromBytes, toBytes } from './quantise.ts';
import { scanSignatures } from './scan-signatures.ts';
import { SIGNATURE_WORDS, signatureOf } from './signature.ts';
import { factOfVector, vectorId } from './vector-id.ts';

/** Signatures are kept in pages of so many facts: a thousand times fewer rows to load, and 12 KiB to write for one. */
const PAGE_FACTS = 256;
const PAGE_WORDS = PAGE_FACTS * SIGNATURE_WORDS;

export interface Near {
  fact: number;
  /** Cosine of the angle, of vectors rounded to 8 bits a number. */
  similarity: number;
}

/** Vectors of one origin, which compare with each other and with no others. */
export interface VectorSpace {
  id: number;
  /** Sets the vector of a fact; in the caller's transaction, after whose failure `release` is due. */
  put(fact: number, vector: ArrayLike<number>): void;
  remove(fact: number): void;
  /** The nearest first. `among` leaves out all others. */
  nearest(vector: ArrayLike<number>, count: number, among?: ReadonlySet<number>): Near[];
  /** Gives the signatures in memory back; the next use loads them again. */
  release(): void;
}

/**
 * Finds near vectors in two steps: the signatures of all, 48 bytes each and kept in memory while they are used, name
 * `count` candidates, whose vectors are then read and compared. A fact's id is its place among the signatures.
 */
export function openVectorSpace(database: Database, name: string): VectorSpace {
  database.write('INSERT OR IGNORE INTO vector_spaces (name) VALUES (?)', name);
  const id = Number(database.read('SELECT id FROM vector_spaces WHERE name = ?', name)[0]?.id);
  let loaded: Loaded | undefined;
  let distances = new Uint16Array(0);

  const load = (): Loaded => {
    if (loaded) return loaded;
    const last = database.read('SELECT max(page) AS page FROM signatures WHERE space = ?', id)[0]?.page;
    const bits = new Uint32Array((Number(last ?? -1) + 1) * PAGE_WORDS);
    for (const { page, bits: bytes } of database.read(
      'SELECT page, bits FROM signatures WHERE space = ?',
      id,
    )) {
      if (bytes instanceof Uint8Array) bits.set(words(bytes), Number(page) * PAGE_WORDS);
    }
    loaded = { bits, held: heldOf(bits) };
    return loaded;
  };

  const setSignature = (fact: number, signature: Uint32Array): void => {
    const page = Math.floor(fact / PAGE_FACTS);
    const kept = database.read('SELECT bits FROM signatures WHERE space = ? AND page = ?', id, page)[0]?.bits;
    const bits = kept instanceof Uint8Array ? words(kept) : new Uint32Array(PAGE_WORDS);
    bits.set(signature, (fact % PAGE_FACTS) * SIGNATURE_WORDS);
    database.write(
      'INSERT INTO signatures (space, page, bits) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bits = excluded.bits',
      id,
      page,
      new Uint8Array(bits.buffer),
    );
    if (loaded === undefined) return;
    if (loaded.bits.length < (page + 1) * PAGE_WORDS) {
      const grown = new Uint32Array((page + 1) * PAGE_WORDS);
      grown.set(loaded.bits);
      loaded = { bits: grown, held: heldOf(grown) };
    }
    loaded.bits.set(signature, fact * SIGNATURE_WORDS);
    loaded.held[fact] = holds(loaded.bits, fact) ? 1 : 0;
  };

  return {
    id,
    put(fact, vector) {
      database.write(
        'INSERT INTO vectors (id, vector) VALUES (?, ?) ON CONFLICT DO UPDATE SET vector = excluded.vector',
        vectorId(id, fact),
        toBytes(vector),
      );
      setSignature(fact, signatureOf(vector));
    },
    remove(fact) {
      database.write('DELETE FROM vectors WHERE id = ?', vectorId(id, fact));
      setSignature(fact, new Uint32Array(SIGNATURE_WORDS));
    },
    nearest(vector, count, among) {
      const { bits, held } = load();
      if (distances.length !== held.length) distances = new Uint16Array(held.length);
      scanSignatures(bits, signatureOf(vector), distances);
      const candidates = closest(held, distances, count, among);
      const wanted = fromBytes(toBytes(vector));
      return database
        .read(
          'SELECT id, vector FROM vectors WHERE id IN (SELECT value FROM json_each(?))',
          JSON.stringify(candidates.map((fact) => vectorId(id, fact))),
        )
        .flatMap((row) =>
          row.vector instanceof Uint8Array
            ? [{ fact: factOfVector(Number(row.id)), similarity: cosine(wanted, fromBytes(row.vector)) }]
            : [],
        )
        .sort((a, b) => b.similarity - a.similarity);
    },
    release() {
      loaded = undefined;
      distances = new Uint16Array(0);
    },
  };
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

interface Loaded {
  bits: Uint32Array;
  /** 1 for each place that holds a signature. */
  held: Uint8Array;
}

function heldOf(bits: Uint32Array): Uint8Array {
  const held = new Uint8Array(bits.length / SIGNATURE_WORDS);
  for (let fact = 0; fact < held.length; fact += 1) held[fact] = holds(bits, fact) ? 1 : 0;
  return held;
}

function holds(bits: Uint32Array, fact: number): boolean {
  for (let at = fact * SIGNATURE_WORDS; at < (fact + 1) * SIGNATURE_WORDS; at += 1)
    if (bits[at] !== 0) return true;
  return false;
}

/** The places of the `count` smallest distances that hold a signature, the nearest first. */
function closest(
  held: Uint8Array,
  distances: Uint16Array,
  count: number,
  among: ReadonlySet<number> | undefined,
): number[] {
  const found: number[] = [];
  if (among) {
    for (const fact of among) if (held[fact] === 1) found.push(fact);
  } else {
    const bound = boundOf(held, distances, count);
    for (let fact = 0; fact < held.length; fact += 1) {
      if (held[fact] === 1 && (distances[fact] ?? 0) <= bound) found.push(fact);
    }
  }
  return found.sort((a, b) => (distances[a] ?? 0) - (distances[b] ?? 0)).slice(0, count);
}

/** The smallest distance that at least `count` signatures do not exceed. */
function boundOf(held: Uint8Array, distances: Uint16Array, count: number): number {
  const histogram = new Uint32Array(SIGNATURE_WORDS * 32 + 1);
  // By index: an iterator over a hundred thousand numbers takes longer than the scan.
  for (let fact = 0; fact < held.length; fact += 1) {
    const distance = distances[fact] ?? 0;
    histogram[distance] = (histogram[distance] ?? 0) + (held[fact] ?? 0);
  }
  let bound = 0;
  for (let seen = 0; bound < histogram.length; bound += 1) {
    seen += histogram[bound] ?? 0;
    if (seen >= count) break;
  }
  return bound;
}

import type { DatabaseSync } from 'node:sqlite';
import type { CredentialName } from '@openlegion/contract/keeper-protocol';
import { tierOf } from '../process/credential-name.ts';
import { integer, listOf, mapOf, text } from '../process/strict-parser.ts';
import { VaultError } from '../process/vault-error.ts';
import type { Seal } from './seal.ts';
import type { SealedTable } from './sealed-table.ts';

export interface NewCredential {
  name: string;
  value: string;
  origins: readonly string[];
  canary: boolean;
}

/**
 * Credentials, each sealed on its own with its tier, name, version and origins bound in; nothing is kept in the
 * clear. The sealed manifest holds the version of every name there ever was, so that an old row put back, under
 * whatever number, is found. What is found changed is refused, never used. Every method belongs in a transaction.
 */
export interface CredentialStore {
  /** Seals a new version and returns its number. */
  put(credential: NewCredential): number;
  remove(name: string): boolean;
  names(): CredentialName[];
  canaryNames(): string[];
  /** Null when there is none. */
  originsOf(name: string): string[] | null;
  /** The value, for the caller to release and zero; marks it used. Throws `internal`, rule `vault.tampered`. */
  reveal(name: string, at: string): Buffer;
}

const parseOrigins = listOf(text(300), 100);
const parseManifest = mapOf(text(200), integer(1), 1_000_000);

export function createCredentialStore(
  database: DatabaseSync,
  table: SealedTable,
  seal: Seal,
  now: () => number,
): CredentialStore {
  const selectAll = database.prepare('SELECT * FROM credential ORDER BY name');
  const select = database.prepare('SELECT * FROM credential WHERE name = ?');
  const upsert = database.prepare(
    'INSERT OR REPLACE INTO credential (name, version, origins, canary, box, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const drop = database.prepare('DELETE FROM credential WHERE name = ?');
  const touch = database.prepare('UPDATE credential SET last_used_at = ? WHERE name = ?');

  function readManifest(): Map<string, number> {
    const box = table.get('manifest');
    if (!box) return new Map();
    const plain = seal.open(box, ['manifest']);
    if (!plain) throw tampered('the list of credentials');
    return parseManifest(JSON.parse(plain.toString()), 'manifest');
  }

  /** Advances `name` by one, so that no row of an earlier version fits any more. */
  function advance(name: string): number {
    const manifest = readManifest();
    const version = (manifest.get(name) ?? 0) + 1;
    manifest.set(name, version);
    table.put('manifest', seal.seal(Buffer.from(JSON.stringify(Object.fromEntries(manifest))), ['manifest']));
    return version;
  }

  const context = (name: string, version: number, origins: readonly string[]) =>
    ['credential', tierOf(name), name, version, ...origins] as const;

  return {
    put({ name, value, origins, canary }) {
      const version = advance(name);
      const plain = Buffer.from(value);
      const box = seal.seal(plain, context(name, version, origins));
      plain.fill(0);
      upsert.run(name, version, JSON.stringify(origins), canary ? 1 : 0, box, new Date(now()).toISOString());
      return version;
    },
    remove(name) {
      if (!select.get(name)) return false;
      advance(name);
      drop.run(name);
      return true;
    },
    names() {
      return selectAll.all().map((row) => ({
        name: String(row.name),
        tier: tierOf(String(row.name)),
        version: Number(row.version),
        origins: parseOrigins(JSON.parse(String(row.origins)), 'origins'),
        bindings: [],
        environment: [],
        owner: null,
        createdAt: String(row.created_at),
        lastUsedAt: row.last_used_at === null ? null : String(row.last_used_at),
      }));
    },
    canaryNames() {
      return selectAll.all().flatMap((row) => (row.canary === 1 ? [String(row.name)] : []));
    },
    originsOf(name) {
      const row = select.get(name);
      return row ? parseOrigins(JSON.parse(String(row.origins)), 'origins') : null;
    },
    reveal(name, at) {
      const row = select.get(name);
      const version = Number(row?.version);
      const origins = parseOrigins(JSON.parse(String(row?.origins ?? '[]')), 'origins');
      const box = row?.box;
      if (!(box instanceof Uint8Array) || readManifest().get(name) !== version) throw tampered(name);
      const plain = seal.open(box, context(name, version, origins));
      if (!plain) throw tampered(name);
      touch.run(at, name);
      return plain;
    },
  };
}

function tampered(what: string): VaultError {
  return new VaultError({
    code: 'internal',
    rule: 'vault.tampered',
    message: `The vault refuses to use ${what}: vault.db was changed by something other than the keeper.`,
    remedy: `Find out who could write to data/keeper, then replace it with \`./openlegion vault add\`.`,
  });
}

import { createHmac, randomInt } from 'node:crypto';
import type { CredentialName, NewCredential, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import { shortName, tierOf } from '../process/credential-name.ts';
import type { Database, Row } from '../process/database.ts';
import { tampered } from '../process/keeper-refusals.ts';
import { parsePlaces } from '../process/keeper-requests.ts';
import { matchesGlob } from '../process/match-request.ts';
import { integer, mapOf, text } from '../process/strict-parser.ts';
import type { Vault } from './vault-key.ts';

/** What is known of a credential without its value. `isIntact`: all of this is as it was sealed. */
export interface Credential extends CredentialName {
  short: string;
  isIntact: boolean;
}

const parseManifest = mapOf(text(200), integer(1), 1_000_000);

export type CredentialStore = ReturnType<typeof createCredentialStore>;

/**
 * Credentials, each sealed on its own with its tier, name, version, owner and places bound in; nothing is kept in the
 * clear. The sealed manifest holds the version of every name there ever was, so that an old row put back, under
 * whatever number, is found. What is found changed is refused, never used. Methods that write belong in a transaction.
 */
export function createCredentialStore(database: Database, vault: Vault, now: () => number) {
  let loaded: Credential[] | null = null;

  function readManifest(): Map<string, number> {
    if (!vault.has('manifest')) return new Map();
    const plain = vault.read('manifest');
    if (!plain) throw tampered('the list of credentials');
    return parseManifest(JSON.parse(plain.toString()), 'manifest');
  }

  /** Advances `name` by one, so that no row of an earlier version fits any more. */
  function advance(name: string): number {
    const manifest = readManifest();
    const version = (manifest.get(name) ?? 0) + 1;
    manifest.set(name, version);
    vault.write('manifest', Buffer.from(JSON.stringify(Object.fromEntries(manifest))));
    loaded = null;
    return version;
  }

  /** The columns as they lie in the file, so that nothing is bound in that is not also what is read. */
  const contextOf = ({ name, version, owner, origins, bindings, environment }: Row) =>
    ['credential-2', tierOf(String(name)), name, version, owner, origins, bindings, environment] as const;

  function open(row: Row): Buffer | null {
    const box = row.box instanceof Uint8Array ? row.box : Buffer.alloc(0);
    const isOld = row.bindings === '[]' && row.environment === '[]' && row.owner === null;
    const plain = vault.seal.open(box, contextOf(row));
    if (plain || !isOld) return plain;
    // Sealed before there were bindings, which such a record therefore cannot have.
    const origins = placesOf(row).origins;
    return vault.seal.open(box, ['credential', tierOf(String(row.name)), row.name, row.version, ...origins]);
  }

  function load(): Credential[] {
    const manifest = vault.has('manifest') ? vault.read('manifest') : null;
    const versions = manifest && parseManifest(JSON.parse(manifest.toString()), 'manifest');
    return database.all('SELECT * FROM credential ORDER BY name').map((row) => {
      const name = String(row.name);
      const plain = versions?.get(name) === row.version ? open(row) : null;
      plain?.fill(0);
      return {
        ...{ name, short: shortName(name), tier: tierOf(name), version: Number(row.version) },
        ...placesOf(row),
        owner: row.owner === null ? null : String(row.owner),
        createdAt: String(row.created_at),
        lastUsedAt: row.last_used_at === null ? null : String(row.last_used_at),
        isIntact: plain !== null,
      };
    });
  }

  const list = (): readonly Credential[] => {
    loaded ??= load();
    return loaded;
  };

  const find = (name: string): Credential | null => list().find((one) => one.name === name) ?? null;

  /** The value as it is in the store: for the keeper's own use, or to be released by `reveal`. */
  function unseal(name: string): string {
    const row = database.get('SELECT * FROM credential WHERE name = ?', name);
    const known = find(name);
    const plain = row && known?.isIntact && known.version === row.version ? open(row) : null;
    if (!plain) throw tampered(name);
    const value = plain.toString();
    plain.fill(0);
    return value;
  }

  return {
    list,
    unseal,
    find,
    /** Seals a new version and returns its number. */
    put({ name, value, owner, ...places }: NewCredential & { owner: string | null }): number {
      const { origins, bindings, environment } = places;
      const row = {
        ...{ name, owner, version: advance(name), origins: JSON.stringify(origins) },
        ...{ bindings: JSON.stringify(bindings), environment: JSON.stringify(environment) },
      };
      const plain = Buffer.from(value);
      const box = vault.seal.seal(plain, contextOf(row));
      plain.fill(0);
      database.run(
        'INSERT OR REPLACE INTO credential (name, owner, version, origins, bindings, environment, box, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        ...[...Object.values(row), box, new Date(now()).toISOString()],
      );
      return row.version;
    },
    remove(name: string): boolean {
      if (database.run('DELETE FROM credential WHERE name = ?', name) === 0) return false;
      advance(name);
      return true;
    },
    /** The value, for the caller to release; marks it used. Throws `internal`, rule `vault.tampered`. */
    reveal(name: string): string {
      const value = unseal(name);
      const at = new Date(now()).toISOString();
      database.run('UPDATE credential SET last_used_at = ? WHERE name = ?', at, name);
      const known = find(name);
      if (known) known.lastUsedAt = at;
      return value;
    },
    /** What the agent may use: its own, and what its policy grants of the operator's. Never a system key. */
    grantedTo: (agent: PolicyAgent): Credential[] =>
      list().filter(
        ({ tier, owner, short, isIntact }) =>
          tier === 'cred' &&
          isIntact &&
          (owner === null
            ? agent.credentials.some((pattern) => matchesGlob(pattern, short))
            : owner === agent.name),
      ),
    /** What stands for the credential in this agent's container, and means nothing anywhere else. */
    placeholderOf: (agent: string, { name, version }: CredentialName): string =>
      `olp_${createHmac('sha256', vault.placeholderKey).update(`${agent}\0${name}\0${version}`).digest('hex').slice(0, 40)}`,
  };
}

function placesOf({ origins, bindings, environment }: Row): ReturnType<typeof parsePlaces> {
  const read = (column: unknown): unknown => JSON.parse(String(column));
  return parsePlaces(
    { origins: read(origins), bindings: read(bindings), environment: read(environment) },
    'row',
  );
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Letters and digits of the keeper's own invention. */
export function inventValue(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

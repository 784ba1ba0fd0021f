import { createHmac } from 'node:crypto';
import type { CredentialName, NewCredential, PolicyAgent } from '@openlegion/contract/keeper-protocol';
import { shortName, tierOf } from '../process/credential-name.ts';
import { columnsOf, openRow, sealRow, textOf } from '../process/credential-row.ts';
import type { Database } from '../process/database.ts';
import { tampered } from '../process/keeper-refusals.ts';
import { parseStoredPlaces } from '../process/keeper-requests.ts';
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
  let undone = database.undone();
  /** As they lie in the table, values sealed: a release opens one and need not look it up. */
  const rows = new Map<string, ReturnType<typeof columnsOf>>();

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

  function load(): Credential[] {
    const plain = vault.read('manifest');
    const versions = plain ? parseManifest(JSON.parse(plain.toString()), 'manifest') : new Map();
    rows.clear();
    return database.all('SELECT * FROM credential ORDER BY name').map((stored) => {
      const row = columnsOf(stored);
      const { name, version, owner } = row;
      rows.set(name, row);
      const value = versions.get(name) === version ? openRow(vault.seal, row) : null;
      value?.fill(0);
      // What does not open is not read either.
      const places = value ? parseStoredPlaces(row) : { origins: [], bindings: [], environment: [] };
      const isIntact = value !== null;
      const used = { createdAt: String(stored.created_at), lastUsedAt: textOf(stored.last_used_at) };
      const own = { name, short: shortName(name), tier: tierOf(name), version, owner };
      return { ...own, ...places, ...used, isIntact };
    });
  }

  const list = (): readonly Credential[] => {
    if (undone !== database.undone()) loaded = null;
    undone = database.undone();
    loaded ??= load();
    return loaded;
  };

  const find = (name: string): Credential | null => list().find((one) => one.name === name) ?? null;

  /** The value as it is in the store: for the keeper's own use, or to be released by `reveal`. */
  function unseal(name: string): string {
    const row = find(name)?.isIntact ? rows.get(name) : undefined;
    const plain = row ? openRow(vault.seal, row) : null;
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
      const origins = JSON.stringify(places.origins);
      const bindings = JSON.stringify(places.bindings);
      const environment = JSON.stringify(places.environment);
      const version = advance(name);
      const columns = { name, version, owner, origins, bindings, environment };
      const box = sealRow(vault.seal, columns, Buffer.from(value));
      const at = new Date(now()).toISOString();
      database.run(
        'INSERT OR REPLACE INTO credential (name, owner, version, origins, bindings, environment, box, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        ...[name, owner, version, origins, bindings, environment, box, at],
      );
      return version;
    },
    remove(name: string): boolean {
      if (database.run('DELETE FROM credential WHERE name = ?', name) === 0) return false;
      advance(name);
      return true;
    },
    /** The value, for the caller to release; marks it used. Throws `internal`, rule `vault.tampered`. */
    reveal(name: string): string {
      const value = unseal(name);
      const known = find(name);
      const at = `${new Date(now()).toISOString().slice(0, 19)}Z`;
      // To the second, so that a busy key costs one write of its row in each.
      if (known && known.lastUsedAt !== at) {
        database.run('UPDATE credential SET last_used_at = ? WHERE name = ?', at, name);
        known.lastUsedAt = at;
      }
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

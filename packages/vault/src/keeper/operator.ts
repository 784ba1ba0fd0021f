import type { NewCredential } from '@openlegion/contract/keeper-protocol';
import { tierOf } from '../process/credential-name.ts';
import { noCredential, wrongPassphrase } from '../process/keeper-refusals.ts';
import { parseExported } from '../process/keeper-requests.ts';
import { inventValue } from '../process/random-value.ts';
import { openUnderPassphrase, sealUnderPassphrase } from '../process/sealed-box.ts';
import { malformed } from '../process/strict-parser.ts';
import type { KeeperParts } from './keeper.ts';

/** Names that only canaries bear, so that removing them removes nobody's key. */
const CANARY = 'OPENLEGION_SYSTEM_VERIFY_CANARY_';
const EXPORT = ['export', 1] as const;

type Places = Pick<NewCredential, 'origins' | 'bindings' | 'environment'>;
type Named = Pick<NewCredential, 'name'>;

/** What the person who runs OpenLegion does with credentials. Each change is one durable transaction with its record. */
export function createOperator({ database, credentials, vault, audit, now }: KeeperParts) {
  /**
   * Canaries in the clear on purpose, unlike any real credential: a search that finds nothing elsewhere proves
   * something only if the same search finds them in this process. They open no door.
   */
  let canariesInMemory: Buffer[] = [];

  function store(credential: NewCredential & { owner: string | null }, type: string) {
    const { name, origins, bindings } = credential;
    if (tierOf(name) === 'system' && origins.length === 0)
      throw malformed('origins', 'at least one origin: the only places this key may be sent to');
    if (tierOf(name) === 'system' && bindings.length + credential.environment.length > 0)
      throw malformed('bindings', 'none: no agent ever gets a system key');
    const version = credentials.put(credential);
    const hosts = bindings.map(({ host, port }) => `${host}:${port}`);
    audit.append({ type, actor: 'operator', subject: name, detail: { version, origins, hosts } });
    return { name, version };
  }

  /** A new version of one there is, in which `change` differs. */
  function renew(name: string, change: { value: string } | Places, type: string) {
    const known = credentials.find(name);
    if (!known) throw noCredential(name);
    const { owner, origins, bindings, environment } = known;
    const old = { name, owner, origins, bindings, environment, value: credentials.unseal(name) };
    return database.durable(() => store({ ...old, ...change }, type));
  }

  function remove(name: string): boolean {
    const removed = credentials.remove(name);
    if (removed) audit.append({ type: 'credential.removed', actor: 'operator', subject: name });
    return removed;
  }

  function removeCanaries(): { removed: number } {
    canariesInMemory = [];
    const names = credentials.list().filter(({ name }) => name.startsWith(CANARY));
    return { removed: names.filter(({ name }) => remove(name)).length };
  }

  return {
    put(credential: NewCredential) {
      if (credential.name.startsWith(CANARY))
        throw malformed('name', "a name that is not one of verify's canaries");
      return database.durable(() => store({ ...credential, owner: null }, 'credential.stored'));
    },
    rotate: ({ name, ...change }: Named & { value: string }) => renew(name, change, 'credential.rotated'),
    bind: ({ name, ...places }: Named & Places) => renew(name, places, 'credential.bound'),
    remove: ({ name }: Named) => ({ removed: database.durable(() => remove(name)) }),
    canaries: ({ prefix, count, origins }: { prefix: string; count: number; origins: string[] }) =>
      database.durable(() => {
        removeCanaries();
        const names = Array.from({ length: count }, (_, index) => {
          const [name, value] = [`${CANARY}${index + 1}`, prefix + inventValue(32)];
          canariesInMemory.push(Buffer.from(value));
          const places = { origins, bindings: [], environment: [] };
          return store({ name, value, ...places, owner: null }, 'credential.stored').name;
        });
        return { names };
      }),
    removeCanaries: () => database.durable(removeCanaries),
    /**
     * From when this returns only the new key opens the store. Copies of the file from before (a backup, the copy
     * before a migration) are opened by the old one as long as they exist.
     */
    rotateKey({ newKey }: { newKey: string }): { rotatedAt: string } {
      database.durable(() => {
        vault.rotateKey(Buffer.from(newKey, 'base64'));
        audit.append({ type: 'vault.key_rotated', actor: 'operator', subject: 'vault' });
      });
      database.compact();
      return { rotatedAt: new Date(now()).toISOString() };
    },
    /** Every credential with its places. Not the keys of this installation, which another one makes for itself. */
    export({ passphrase }: { passphrase: string }) {
      const real = credentials.list().filter(({ name }) => !name.startsWith(CANARY));
      const all = real.map(({ name, owner, origins, bindings, environment }) => {
        return { origins, bindings, environment, name, value: credentials.unseal(name), owner };
      });
      const plain = Buffer.from(JSON.stringify(all));
      const sealed = sealUnderPassphrase(plain, passphrase, EXPORT).toString('base64');
      plain.fill(0);
      const entry = { type: 'vault.exported', actor: 'operator', subject: 'vault' };
      database.durable(() => audit.append({ ...entry, detail: { credentials: all.length } }));
      return { sealed, credentials: all.length };
    },
    /** All of it or nothing; what has the name of one there is becomes its next version. */
    import({ passphrase, sealed }: { passphrase: string; sealed: string }): { names: string[] } {
      const plain = openUnderPassphrase(Buffer.from(sealed, 'base64'), passphrase, EXPORT);
      if (!plain) throw wrongPassphrase();
      const all = parseExported(JSON.parse(plain.toString()), 'export');
      plain.fill(0);
      return database.durable(() => ({ names: all.map((one) => store(one, 'credential.imported').name) }));
    },
  };
}

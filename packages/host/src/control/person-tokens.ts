import { timingSafeEqual } from 'node:crypto';
import { type ControlCaller, Role } from '@openlegion/contract/control-caller';
import type { CreatedToken, CreateToken, TokenList } from '@openlegion/contract/control-tokens';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { RefusalCode } from '@openlegion/contract/refusal';
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts';
import { type Clock, isoTime } from '../clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import { type Row, textOf, textOrNull } from '../store/row.ts';
import { digestOf, type FindPerson, newToken } from './control-token.ts';

/** Only digests are kept: who reads the database holds no token. */
export const PERSON_TOKEN_SCHEMA = `
  CREATE TABLE person_token (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
    created_by TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT
  ) STRICT;
`;

export const MOST_TOKENS = 200;
/** A timer of Node's holds no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Names that stand for something else in the audit log. */
const RESERVED: ReadonlySet<string> = new Set(
  'operator user host keeper gateway mesh vault default'.split(' '),
);

interface Person extends ControlCaller {
  digest: Buffer;
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  revoking: AbortController;
}

/** The tokens of people: each has a name, a role, perhaps an end. Changes are recorded, with who made them. */
export interface PersonTokens {
  find: FindPerson;
  /** The token is told here and never again. Throws `conflict` for a name that is taken, `bad_request` for others. */
  create(by: string, wanted: CreateToken): Promise<CreatedToken>;
  /** From then on it is a wrong token, and streams that it opened end, as when its time is over. Throws `not_found`. */
  revoke(by: string, name: string): Promise<void>;
  list(): TokenList['tokens'];
  stop(): void;
}

export function createPersonTokens(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  /** A person and an agent of one name could not be told apart in the audit log. */
  isAgent: (name: string) => boolean;
}): PersonTokens {
  const { database, audit, clock, isAgent } = parts;
  const people = new Map(
    database.all('SELECT * FROM person_token').map((row) => [textOf(row, 'name'), personOf(row)]),
  );
  const isExpired = ({ expiresAt }: Pick<Person, 'expiresAt'>) =>
    expiresAt !== null && Date.parse(expiresAt) <= clock.now();
  const timers = new Map<string, () => void>();

  /** Ends what it opened when its time is over. */
  function watch(person: Person): void {
    if (person.expiresAt === null) return;
    const leftMs = Math.max(0, Date.parse(person.expiresAt) - clock.now());
    const over = () => {
      timers.delete(person.name);
      if (isExpired(person)) person.revoking.abort();
      else watch(person);
    };
    timers.set(person.name, clock.after(Math.min(leftMs, LONGEST_TIMER_MS), over));
  }
  for (const person of people.values()) watch(person);

  const note = (
    transaction: Transaction,
    type: string,
    by: string,
    subject: string,
    detail: Required<AuditEntry>['detail'],
  ) =>
    audit.append(transaction, { type, actor: by, subject, decision: 'allowed', rule: 'role.admin', detail });

  return {
    find(digest) {
      let found: Person | null = null;
      // All of them, whatever is found: how long it takes says nothing.
      for (const person of people.values()) if (timingSafeEqual(person.digest, digest)) found = person;
      if (!found || isExpired(found)) return null;
      return { name: found.name, role: found.role, revoked: found.revoking.signal };
    },

    async create(by, { name, role, expiresAt }) {
      if (RESERVED.has(name) || isAgent(name)) {
        const message = `"${name}" stands for something else in the audit log.`;
        const remedy = "Use the person's name; one that is neither an agent's nor a part's of OpenLegion.";
        throw refused('bad_request', 'name', message, remedy);
      }
      if (people.has(name)) throw taken(name);
      if (isExpired({ expiresAt })) {
        const message = 'The token would have expired already.';
        throw refused('bad_request', 'expires', message, 'Name a time to come.');
      }
      const token = newToken();
      const person: Person = {
        name,
        role,
        digest: digestOf(token),
        createdBy: by,
        createdAt: isoTime(clock),
        expiresAt,
        revoking: new AbortController(),
      };
      await database.write((transaction) => {
        if (transaction.get('SELECT 1 FROM person_token WHERE name = ?', name)) throw taken(name);
        if (transaction.get('SELECT 1 FROM person_token LIMIT 1 OFFSET ?', MOST_TOKENS - 1)) throw tooMany();
        const row = [name, role, person.digest.toString('hex'), by, person.createdAt, expiresAt];
        transaction.run('INSERT INTO person_token VALUES (?, ?, ?, ?, ?, ?)', ...row);
        note(transaction, 'token.created', by, name, { role, expiresAt });
      });
      people.set(name, person);
      watch(person);
      return { name, role, token };
    },

    async revoke(by, name) {
      const person = people.get(name);
      if (!person) {
        const message = `There is no token named ${JSON.stringify(name.slice(0, 63))}.`;
        throw refused('not_found', 'unknown', message, './openlegion token list shows those there are.');
      }
      // Before it is on disk: should that fail, it is in force again, and whoever asked is told so.
      people.delete(name);
      try {
        await database.write((transaction) => {
          note(transaction, 'token.revoked', by, name, { role: person.role });
          transaction.run('DELETE FROM person_token WHERE name = ?', name);
        });
      } catch (error) {
        people.set(name, person);
        throw error;
      }
      timers.get(name)?.();
      timers.delete(name);
      person.revoking.abort();
    },

    list: () =>
      [...people.values()]
        .map(({ digest: _, revoking: __, ...shown }) => ({ ...shown, expired: isExpired(shown) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),

    stop() {
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
  };
}

function personOf(row: Row): Person {
  return {
    name: textOf(row, 'name'),
    role: Role.parse(row.role),
    digest: Buffer.from(textOf(row, 'digest'), 'hex'),
    createdBy: textOf(row, 'created_by'),
    createdAt: textOf(row, 'created_at'),
    expiresAt: textOrNull(row, 'expires_at'),
    revoking: new AbortController(),
  };
}

function taken(name: string): OpenLegionError {
  const message = `There is a token named "${name}" already.`;
  return refused('conflict', 'name', message, 'Revoke it first, or give this one another name.');
}

function tooMany(): OpenLegionError {
  const remedy = 'Revoke those that nobody uses: ./openlegion token list shows them.';
  return refused('rate_limited', 'number', `There are ${MOST_TOKENS} tokens already.`, remedy);
}

function refused(code: RefusalCode, rule: string, message: string, remedy: string): OpenLegionError {
  return new OpenLegionError({ code, rule: `tokens.${rule}`, message, remedy });
}

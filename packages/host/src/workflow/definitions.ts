import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { WorkflowDefinition } from '@openlegion/contract/workflow';
import { type Clock, isoTime } from '../clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import { type Row, textOf, textOrNull } from '../store/row.ts';
import { type CompiledWorkflow, compileWorkflow } from './compile-workflow.ts';
import { hashOf } from './definition-hash.ts';

export interface StoredDefinition {
  hash: string;
  name: string;
  definition: WorkflowDefinition;
  /** As it was written when it was first seen. */
  yaml: string;
  proposedBy: string;
  /** Null where no operator has accepted it, or one took that back: then it cannot be started. */
  acceptedBy: string | null;
  acceptedAt: string | null;
}

/** Every definition ever proposed, by its hash. What is accepted is exactly what was hashed. */
export interface Definitions {
  /** Anyone may; it makes nothing run. Null for a new one where `most` of theirs are not accepted. */
  propose(
    workflow: CompiledWorkflow,
    yaml: string,
    by: string,
    most?: number,
  ): Promise<StoredDefinition | null>;
  /** An operator only: whoever calls has checked that. Null for a hash that was never proposed. */
  accept(hash: string, by: string): Promise<StoredDefinition | null>;
  /** No further run starts; runs that go on, go on. False where it was not accepted. */
  revoke(hash: string, by: string): Promise<boolean>;
  find(hash: string): StoredDefinition | null;
  list(): StoredDefinition[];
  /** Compiled, and kept so. Throws `internal` where what is stored does not hold together any more. */
  compiled(hash: string): CompiledWorkflow | null;
}

export function createDefinitions(parts: {
  database: Database;
  clock: Clock;
  /** Within the transaction that stores it: for the audit log. */
  onDecision?: (transaction: Transaction, decision: Decision) => void;
}): Definitions {
  const { database, clock, onDecision } = parts;
  const kept = new Map<string, CompiledWorkflow>();
  const find = (hash: string) => {
    const row = database.get('SELECT * FROM workflow_definition WHERE hash = ?', hash);
    return row ? storedOf(row) : null;
  };

  /** Runs the statement and, where it changed something, records whose decision that was. */
  function decide(
    decision: Decision,
    sql: string,
    ...parameters: (string | number | null)[]
  ): Promise<boolean> {
    return database.write((transaction) => {
      const changed = transaction.run(sql, ...parameters) > 0;
      if (changed) onDecision?.(transaction, decision);
      return changed;
    });
  }
  const setAccepted = (type: Decision['type'], hash: string, by: string, accepted: boolean) => {
    const name = find(hash)?.name;
    if (name === undefined) return Promise.resolve(false);
    const sql = `UPDATE workflow_definition SET accepted_by = ?, accepted_at = ? WHERE hash = ? AND accepted_by IS ${accepted ? '' : 'NOT '}NULL`;
    return decide(
      { type, hash, name, by },
      sql,
      accepted ? by : null,
      accepted ? isoTime(clock) : null,
      hash,
    );
  };

  return {
    find,
    async propose({ hash, definition }, yaml, by, most = Number.MAX_SAFE_INTEGER) {
      const { name } = definition;
      await decide(
        { type: 'proposed', hash, name, by },
        `INSERT OR IGNORE INTO workflow_definition (hash, name, definition, yaml, proposed_by, proposed_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE (SELECT COUNT(*) FROM workflow_definition WHERE proposed_by = ?5 AND accepted_by IS NULL) < ?7`,
        ...[hash, name, JSON.stringify(definition), yaml, by, isoTime(clock), most],
      );
      return find(hash);
    },
    async accept(hash, by) {
      await setAccepted('accepted', hash, by, true);
      return find(hash);
    },
    revoke: (hash, by) => setAccepted('revoked', hash, by, false),
    list: () =>
      database.all('SELECT * FROM workflow_definition ORDER BY name, proposed_at, hash').map(storedOf),
    compiled(hash) {
      const known = kept.get(hash);
      if (known) return known;
      const stored = find(hash);
      if (!stored) return null;
      const compiled = compileWorkflow(stored.definition);
      if (!compiled.ok) throw unreadable(hash);
      // Not hashed anew: a later OpenLegion may know more defaults, and the run still has what was accepted.
      const workflow = { ...compiled.workflow, hash };
      kept.set(hash, workflow);
      return workflow;
    },
  };
}

export interface Decision {
  type: 'proposed' | 'accepted' | 'revoked';
  hash: string;
  name: string;
  by: string;
}

function storedOf(row: Row): StoredDefinition {
  const hash = textOf(row, 'hash');
  const definition: unknown = JSON.parse(textOf(row, 'definition'));
  if (hashOf(definition) !== hash) throw unreadable(hash);
  return {
    hash,
    name: textOf(row, 'name'),
    definition: WorkflowDefinition.parse(definition),
    yaml: textOf(row, 'yaml'),
    proposedBy: textOf(row, 'proposed_by'),
    acceptedBy: textOrNull(row, 'accepted_by'),
    acceptedAt: textOrNull(row, 'accepted_at'),
  };
}

function unreadable(hash: string): OpenLegionError {
  return new OpenLegionError({
    code: 'internal',
    rule: 'workflow.definition',
    message: `The stored workflow ${hash.slice(0, 12)} is not what was accepted.`,
    remedy: 'Restore data/mesh.db from a backup, or propose and accept the workflow again.',
  });
}

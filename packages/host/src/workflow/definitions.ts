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
  proposedBy: string;
  proposedAt: string;
  /** Null where no operator has accepted it, or one took that back: then it cannot be started. */
  acceptedBy: string | null;
  acceptedAt: string | null;
}

/** Every definition ever proposed, by its hash. What is accepted is exactly what was hashed. */
export interface Definitions {
  /** Anyone may; it makes nothing run. */
  propose(workflow: CompiledWorkflow, by: string): Promise<StoredDefinition>;
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

  return {
    find,
    async propose({ hash, definition }, by) {
      await database.write((transaction) => {
        const added = transaction.run(
          'INSERT OR IGNORE INTO workflow_definition (hash, name, definition, proposed_by, proposed_at) VALUES (?, ?, ?, ?, ?)',
          hash,
          definition.name,
          JSON.stringify(definition),
          by,
          isoTime(clock),
        );
        if (added > 0) onDecision?.(transaction, { type: 'proposed', hash, name: definition.name, by });
      });
      const stored = find(hash);
      if (!stored) throw unreadable(hash);
      return stored;
    },
    async accept(hash, by) {
      await database.write((transaction) => {
        const changed = transaction.run(
          'UPDATE workflow_definition SET accepted_by = ?, accepted_at = ? WHERE hash = ? AND accepted_by IS NULL',
          by,
          isoTime(clock),
          hash,
        );
        const name = find(hash)?.name;
        if (changed > 0 && name !== undefined)
          onDecision?.(transaction, { type: 'accepted', hash, name, by });
      });
      return find(hash);
    },
    revoke(hash, by) {
      return database.write((transaction) => {
        const changed = transaction.run(
          'UPDATE workflow_definition SET accepted_by = NULL, accepted_at = NULL WHERE hash = ? AND accepted_by IS NOT NULL',
          hash,
        );
        const name = find(hash)?.name;
        if (changed > 0 && name !== undefined) onDecision?.(transaction, { type: 'revoked', hash, name, by });
        return changed > 0;
      });
    },
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
    proposedBy: textOf(row, 'proposed_by'),
    proposedAt: textOf(row, 'proposed_at'),
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

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import { dataPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { z } from 'zod';
import type { ControlClient } from '../control/control-client.ts';
import { captureVaultAdmin } from '../vault-admin/run-vault-admin.ts';

export type Chain = 'host' | 'keeper';

/** Where audit records are read from. */
export interface AuditSource {
  /** For people: what was read. */
  description: string;
  /** From the first record after `after`, in the order of their numbers. */
  records(chain: Chain, after: number): AsyncGenerator<AuditRecord>;
  /** `publicKeyPem`: the one kept at the first start; null where it is missing. */
  checkpoints(): Promise<{ checkpoints: AuditCheckpoint[]; publicKeyPem: string | null }>;
}

const PAGE = 500;
const Page = z.object({ records: z.array(AuditRecord) });
const Checkpoints = z.object({ checkpoints: z.array(AuditCheckpoint), publicKeyPem: z.string() });

/** A running installation: records through the control API, checkpoints and the key from the keeper itself. */
export function liveAuditSource(control: ControlClient, home: string, run: string): AuditSource {
  return {
    description: 'the running installation',
    async *records(chain, after) {
      let last = after;
      while (true) {
        const path = `/api/audit?after=${last}&limit=${PAGE}&chain=${chain}`;
        const { records } = await control.json(Page, { method: 'GET', path });
        yield* records;
        const newest = records.at(-1);
        if (!newest || newest.seq <= last) return;
        last = newest.seq;
      }
    },
    async checkpoints() {
      const { code, stdout, stderr } = await captureVaultAdmin(['checkpoints', '--run', run, '--json']);
      const parsed = code === 0 ? Checkpoints.safeParse(JSON.parse(stdout)) : null;
      // The key that was kept counts, not one that whoever answers names today.
      if (parsed?.success)
        return { ...parsed.data, publicKeyPem: pinnedKey(home) ?? parsed.data.publicKeyPem };
      throw new OpenLegionError({
        code: 'unavailable',
        rule: 'cli.audit.checkpoints',
        message: `The keeper did not give its checkpoints. ${stderr.trim()}`,
        remedy:
          'data/logs/keeper.log says why; or stop OpenLegion and run this again, which reads the files.',
      });
    },
  };
}

/**
 * A stopped installation: its databases, opened read-only, and the keeper's public key as it was kept at a start.
 * Throws `not_found` where neither database is: what is not there is not whole.
 */
export function storedAuditSource(home: string): AuditSource {
  const data = dataPaths(home);
  const vault = join(data.keeperDirectory, 'vault.db');
  const mesh = join(data.directory, 'mesh.db');
  if (!existsSync(vault) && !existsSync(mesh))
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.audit.none',
      message: `There is no audit log in ${data.directory}.`,
      remedy: 'Nothing was started there yet, or all of it was deleted. Name the installation with --home.',
    });
  return {
    description: `the files in ${data.directory}`,
    async *records(chain, after) {
      const path = chain === 'host' ? mesh : vault;
      if (!existsSync(path)) return;
      using database = openReadOnly(path);
      const rows = database.connection
        .prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq')
        .iterate(after);
      for (const { trace_id: traceId, previous_hash: previousHash, ...row } of rows) {
        yield AuditRecord.parse({
          ...row,
          ...(traceId === undefined ? {} : { traceId }),
          ...(previousHash === undefined ? {} : { previousHash }),
        });
      }
    },
    async checkpoints() {
      if (!existsSync(vault)) return { checkpoints: [], publicKeyPem: pinnedKey(home) };
      using database = openReadOnly(vault);
      const rows = database.connection
        .prepare('SELECT chain, seq, hash, at, signature FROM checkpoint')
        .all();
      return {
        checkpoints: z.array(AuditCheckpoint).parse(rows.map((row) => ({ ...row }))),
        publicKeyPem: pinnedKey(home),
      };
    },
  };
}

function pinnedKey(home: string): string | null {
  const path = dataPaths(home).auditPublicKey;
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function openReadOnly(path: string): { connection: DatabaseSync } & Disposable {
  try {
    const connection = new DatabaseSync(path, { readOnly: true });
    return { connection, [Symbol.dispose]: () => connection.close() };
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'unavailable',
        rule: 'cli.audit.database',
        message: `${path} cannot be opened.`,
        remedy:
          'Run this as the user who starts OpenLegion (the vault has a user of its own where that is root).',
      },
      { cause },
    );
  }
}

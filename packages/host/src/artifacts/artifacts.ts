import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ArtifactSaved } from '@openlegion/contract/mesh-api';
import type { Refusal } from '@openlegion/contract/refusal';
import type { AgentBlackboard } from '../blackboard/agent-blackboard.ts';
import { namespaceOf } from '../blackboard/namespace-of.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings } from '../config/fleet-config.ts';
import { normalKey } from '../router/normal-key.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Reader } from '../store/database.ts';
import { integerOf, textOf } from '../store/row.ts';

const ARTIFACT_BYTES = 32 * 1024 * 1024;
const AGENT_BYTES = 256 * 1024 * 1024;

/** A step of the schema of `data/mesh.db`; the bytes are files of the name `file` in `data/artifacts`. */
export const ARTIFACT_SCHEMA = `
  CREATE TABLE artifact (
    namespace TEXT NOT NULL, key TEXT NOT NULL, agent TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (namespace, key)
  ) STRICT;
  CREATE INDEX artifact_of ON artifact (agent);
`;

/**
 * Files that agents give to one another: the bytes are kept by the host, what describes them is an entry of the
 * blackboard, `artifacts/{agent}/{name}`. Who may write and read them is who may write and read that key. A new one
 * of the same name takes the place of the old. With its entry deleted, its bytes go when room is needed.
 */
export interface Artifacts {
  /** `settings` of the agent now: what is withdrawn while its bytes are on their way is not granted. */
  save(
    settings: () => AgentSettings,
    name: string,
    body: Readable,
    traceId: string,
  ): Promise<Routed<ArtifactSaved>>;
  read(
    agent: AgentSettings,
    key: string,
    traceId: string,
  ): Promise<Routed<{ bytes: number; body: Readable }>>;
}

export function createArtifacts(parts: {
  directory: string;
  database: Database;
  blackboard: AgentBlackboard;
  clock: Clock;
  /** Of one agent, all its artifacts together. */
  agentBytes?: number;
}): Artifacts {
  const { directory, database, blackboard, clock, agentBytes = AGENT_BYTES } = parts;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // What a host that was killed had begun, or had taken the place of.
  const known = new Set(database.all('SELECT file FROM artifact').map((row) => textOf(row, 'file')));
  for (const file of readdirSync(directory))
    if (!known.has(file)) rmSync(join(directory, file), { force: true });

  function usedBy(reader: Reader, agent: string, butKey: string): number {
    const row = reader.get(
      'SELECT COALESCE(SUM(bytes), 0) AS used FROM artifact WHERE agent = ? AND key <> ?',
      ...[agent, butKey],
    );
    return integerOf(row ?? {}, 'used');
  }

  /** What no entry of the blackboard speaks of any more. */
  async function collect(agent: string): Promise<void> {
    const gone = database.all(
      `SELECT a.namespace, a.key, a.file FROM artifact a WHERE a.agent = ? AND NOT EXISTS (
         SELECT 1 FROM blackboard_head h WHERE h.namespace = a.namespace AND h.key = a.key AND h.change = 'set')`,
      agent,
    );
    for (const row of gone) {
      const [namespace, key] = [textOf(row, 'namespace'), textOf(row, 'key')];
      await database.write((transaction) =>
        transaction.run('DELETE FROM artifact WHERE namespace = ? AND key = ?', namespace, key),
      );
      rmSync(join(directory, textOf(row, 'file')), { force: true });
    }
  }

  async function store(body: Readable): Promise<{ file: string; sha256: string; bytes: number } | null> {
    const file = randomUUID();
    const hash = createHash('sha256');
    let bytes = 0;
    const path = join(directory, file);
    try {
      await using handle = await open(`${path}.part`, 'wx', 0o600);
      // Not destroyed where it is left: the refusal goes back on the same stream.
      for await (const chunk of body.iterator({ destroyOnReturn: false })) {
        bytes += chunk.length;
        if (bytes > ARTIFACT_BYTES) break;
        hash.update(chunk);
        await handle.write(chunk);
      }
      if (bytes <= ARTIFACT_BYTES) {
        await handle.sync();
        await rename(`${path}.part`, path);
      }
    } finally {
      await rm(`${path}.part`, { force: true });
    }
    return bytes > ARTIFACT_BYTES ? null : { file, sha256: hash.digest('hex'), bytes };
  }

  return {
    async save(settings, name, body, traceId) {
      const first = settings();
      const key = normalKey(`artifacts/${first.name}/${name}`);
      if (key === null) return { ok: false, refusal: BAD_NAME };
      // Before a byte of it is read.
      const refusal = await blackboard.refusalOfWrite(first, key, traceId);
      if (refusal) {
        body.resume();
        return { ok: false, refusal };
      }
      const stored = await store(body);
      if (!stored) return { ok: false, refusal: TOO_LARGE };
      await collect(first.name);
      const { sha256, bytes } = stored;
      const value = { artifact: name, bytes, sha256 };
      const { written, gone } = await database.write((transaction) => {
        const agent = settings();
        const namespace = namespaceOf(agent);
        // Here, where no other of the agent's can be stored meanwhile.
        if (usedBy(transaction, agent.name, key) + bytes > agentBytes)
          return { written: { ok: false as const, refusal: FULL }, gone: stored.file };
        const written = blackboard.setWithin(transaction, agent, { key, value }, traceId);
        // What is there stays what its entry says.
        if (!written.ok) return { written, gone: stored.file };
        const before = transaction.get(
          'SELECT file FROM artifact WHERE namespace = ? AND key = ?',
          ...[namespace, key],
        );
        transaction.run(
          'INSERT OR REPLACE INTO artifact (namespace, key, agent, file, sha256, bytes, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
          ...[namespace, key, agent.name, stored.file, sha256, bytes, clock.now()],
        );
        return { written, gone: before ? textOf(before, 'file') : null };
      });
      if (gone !== null) await rm(join(directory, gone), { force: true });
      return written.ok
        ? { ok: true, value: { key, bytes, sha256, version: written.value.version } }
        : written;
    },

    async read(agent, key, traceId) {
      const described = await blackboard.get(agent, { key }, traceId);
      if (!described.ok) return described;
      const row = database.get(
        'SELECT file, bytes FROM artifact WHERE namespace = ? AND key = ?',
        ...[namespaceOf(agent), described.value.key],
      );
      if (!row) return { ok: false, refusal: NO_BYTES };
      const body = createReadStream(join(directory, textOf(row, 'file')));
      return { ok: true, value: { bytes: integerOf(row, 'bytes'), body } };
    },
  };
}

const BAD_NAME: Refusal = {
  code: 'bad_request',
  rule: 'artifacts.name',
  message: 'This is no name of an artifact.',
  remedy: 'Use plain names between slashes, such as reports/march.csv.',
};

const TOO_LARGE: Refusal = {
  code: 'too_large',
  rule: 'artifacts.bytes',
  message: 'An artifact has at most 32 MiB.',
  remedy: 'Save it in parts, or compress it.',
};

const FULL: Refusal = {
  code: 'too_large',
  rule: 'artifacts.agent_bytes',
  message: 'All artifacts of one agent have at most 256 MiB.',
  remedy: 'Delete the entries of those that are no longer needed, or save under a name that exists.',
};

const NO_BYTES: Refusal = {
  code: 'not_found',
  rule: 'artifacts.bytes',
  message: 'This entry of the blackboard is no artifact, or its bytes are gone.',
  remedy: 'Ask its agent to save it again.',
};

import { randomBytes } from 'node:crypto';
import { SpawnAgent, type SpawnedAgent } from '@openlegion/contract/mesh-api';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { AgentSettings, FleetConfig } from '../config/fleet-config.ts';
import type { Routed } from '../router/router.ts';
import type { Database, Transaction } from '../store/database.ts';
import { integerOf, type Row, textOf } from '../store/row.ts';
import type { TaskTurn } from '../tasks/agent-tasks.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { MOST_DEPTH, MOST_LIVING } from './spawn-limits.ts';
import { spawnRefusals } from './spawn-refusals.ts';
import { notGranted, spawnedSettings } from './spawned-settings.ts';

/**
 * Agents that agents made: each in a container of its own, confined as its parent is, granted at most what its parent
 * is at any time, paid for by it, and removed with its volume when its lifetime is over or its parent is gone. It is
 * stored together with its first task, and over when nothing of it is left.
 */
export interface SpawnedAgents {
  spawn(parent: AgentSettings, request: SpawnAgent, turn: TaskTurn | null): Promise<Routed<SpawnedAgent>>;
  of(parent: string): SpawnedAgent[];
  /** Those that live, as the agents of the configuration are now: to be added to these. */
  over(configured: FleetConfig['agents']): ReadonlyMap<string, AgentSettings>;
  /** Ends, behind it, what came to its end while no host was there, and sets the clock for the others. */
  start(): void;
  stop(): void;
}

interface Living {
  name: string;
  parent: string;
  asked: SpawnAgent;
  depth: number;
  taskId: string;
  endsAt: number;
}

export function createSpawnedAgents(parts: {
  database: Database;
  audit: AuditLog;
  clock: Clock;
  /** Configured and spawned. */
  agents: () => ReadonlyMap<string, AgentSettings>;
  tasks: Pick<Tasks, 'create'>;
  newTaskId: () => string;
  /** The agents have changed: the vault and the fleet are to be told. Its container is stopped when this resolves. */
  changed: () => Promise<void>;
  removeVolume: (agent: string) => Promise<void>;
  warn: (message: string) => void;
}): SpawnedAgents {
  const { database, audit, clock, agents, warn } = parts;
  const living = new Map<string, Living>();
  const timers = new Map<string, () => void>();
  const ending = new Map<string, Promise<void>>();
  /** By parent and idempotency key. */
  const making = new Map<string, Promise<Routed<SpawnedAgent>>>();
  /** Agents are read at every request; they change seldom. */
  let last: { configured: unknown; names: string; all: ReadonlyMap<string, AgentSettings> } | null = null;
  for (const row of database.all('SELECT * FROM spawned_agent WHERE ended_at IS NULL')) {
    const one = livingOf(row);
    living.set(one.name, one);
  }

  const viewOf = ({ name, asked, taskId, endsAt }: Living): SpawnedAgent => ({
    ...{ name, role: asked.role, taskId, endsAt: new Date(endsAt).toISOString() },
  });

  /** Once, also where its own time and its parent's end come together. */
  function end(name: string, why: string): Promise<void> {
    const one = living.get(name);
    const ended = ending.get(name) ?? (one && endNow(one, why).finally(() => ending.delete(name)));
    if (ended) ending.set(name, ended);
    return ended ?? Promise.resolve();
  }

  async function endNow(one: Living, why: string): Promise<void> {
    const { name } = one;
    for (const child of [...living.values()]) if (child.parent === name) await end(child.name, why);
    await audit.record({
      ...{ type: 'agent.spawn_ended', actor: 'host', subject: name, rule: 'spawn.lifetime' },
      detail: { parent: one.parent, why },
    });
    living.delete(name);
    timers.get(name)?.();
    timers.delete(name);
    await parts.changed();
    await parts.removeVolume(name);
    // Not before nothing of it is left: until then the next host ends it again.
    await database.write((transaction) =>
      transaction.run('UPDATE spawned_agent SET ended_at = ? WHERE name = ?', clock.now(), name),
    );
  }

  /** Nobody waits for it: what is cut off is ended by the next host. */
  const endBehind = (name: string, why: string) =>
    void end(name, why).catch((error) => warn(`${name}: ${String(error)}`));

  function watch({ name, endsAt }: Living): void {
    const over = () => endBehind(name, 'its lifetime is over');
    timers.set(name, clock.after(Math.max(0, endsAt - clock.now()), over));
  }

  /** For one that was not made. */
  function forget(name: string): Promise<void> {
    living.delete(name);
    return parts.changed();
  }

  function refusalOf(parent: AgentSettings, request: SpawnAgent) {
    const beyond = notGranted(parent, request);
    if (beyond.length > 0) return spawnRefusals.beyondOwn(parent, beyond);
    if ((living.get(parent.name)?.depth ?? 0) >= MOST_DEPTH) return spawnRefusals.tooDeep();
    const alive = [...living.values()].filter((one) => one.parent === parent.name);
    return alive.length >= MOST_LIVING ? spawnRefusals.tooMany() : null;
  }

  function insert(transaction: Transaction, one: Living, parent: AgentSettings, traceId: string): void {
    const { name, asked, taskId, depth, endsAt } = one;
    transaction.run(
      `INSERT INTO spawned_agent (name, parent, idempotency_key, task_id, asked, depth, ends_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[name, one.parent, asked.idempotencyKey, taskId, JSON.stringify(asked), depth, endsAt],
    );
    audit.append(transaction, {
      ...{ type: 'agent.spawned', actor: parent.name, subject: name, decision: 'allowed' },
      ...{ rule: `permissions.${parent.permissionsRecord}.can_spawn`, traceId },
      detail: {
        tools: asked.tools.join(', ').slice(0, 2000),
        domains: asked.domains.join(', ').slice(0, 2000),
        credentials: asked.credentials.join(', ').slice(0, 2000),
      },
    });
  }

  async function deny<T>(
    parent: AgentSettings,
    refusal: ReturnType<typeof spawnRefusals.tooDeep>,
    traceId: string,
  ) {
    await audit.record({
      ...{ type: 'permission.denied', actor: parent.name, subject: 'spawn_agent', decision: 'denied' },
      ...{ rule: refusal.rule, traceId },
    });
    return { ok: false, refusal } satisfies Routed<T>;
  }

  async function make(
    parent: AgentSettings,
    request: SpawnAgent,
    turn: TaskTurn,
  ): Promise<Routed<SpawnedAgent>> {
    const earlier = database.get(
      'SELECT * FROM spawned_agent WHERE parent = ? AND idempotency_key = ?',
      ...[parent.name, request.idempotencyKey],
    );
    if (earlier) {
      const one = livingOf(earlier);
      const same = JSON.stringify(one.asked) === JSON.stringify(request);
      return same ? { ok: true, value: viewOf(one) } : { ok: false, refusal: spawnRefusals.otherRequest() };
    }
    const refusal = refusalOf(parent, request);
    if (refusal) return deny(parent, refusal, turn.traceId);
    const one: Living = {
      ...{ name: newName(parent.name, agents()), parent: parent.name, asked: request },
      depth: (living.get(parent.name)?.depth ?? 0) + 1,
      ...{ taskId: parts.newTaskId(), endsAt: clock.now() + request.lifetimeSeconds * 1000 },
    };
    // Counted from here on: another call in the same moment finds it alive.
    living.set(one.name, one);
    try {
      // Known to the keeper before there is anything for it to do; on disk with its task, or not at all.
      await parts.changed();
      const { name, taskId } = one;
      const { askedBy, traceId, messageId: parentId, hops } = turn;
      const created = await parts.tasks.create(
        {
          ...{ id: taskId, origin: { kind: 'agent', agent: parent.name } },
          ...{ idempotencyKey: `spawn/${name}`, askedBy, traceId, parentId, hops: hops + 1 },
          ...{ assignee: name, to: name, text: request.task, rule: 'spawn' },
        },
        (transaction) => insert(transaction, one, parent, traceId),
      );
      if (!created.ok) {
        await forget(name);
        return created;
      }
    } catch (error) {
      await forget(one.name);
      throw error;
    }
    watch(one);
    return { ok: true, value: viewOf(one) };
  }

  return {
    async spawn(parent, request, turn) {
      if (!parent.permissions.can_spawn)
        return deny(parent, spawnRefusals.notGranted(parent), turn?.traceId ?? '');
      if (!turn) return { ok: false, refusal: spawnRefusals.noTurn() };
      const key = JSON.stringify([parent.name, request.idempotencyKey]);
      // Asked again while it is made, it is looked for when it is on disk, or was not made.
      while (making.has(key)) await making.get(key)?.catch(() => {});
      const made = make(parent, request, turn).finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
    of: (parent) => [...living.values()].filter((one) => one.parent === parent).map(viewOf),
    over(configured) {
      if (living.size === 0) return configured;
      const names = [...living.keys()].join();
      if (last?.configured === configured && last.names === names) return last.all;
      const all = new Map(configured);
      // Parents before children, which are made from them; one whose parent is gone is not there either.
      for (const { name, parent, asked } of [...living.values()].sort((a, b) => a.depth - b.depth)) {
        const settings = all.get(parent);
        if (settings && !all.has(name)) all.set(name, spawnedSettings(settings, name, asked));
      }
      last = { configured, names, all };
      return all;
    },
    start() {
      for (const one of [...living.values()]) {
        if (one.endsAt <= clock.now()) endBehind(one.name, 'its lifetime is over');
        else if (!agents().has(one.parent)) endBehind(one.name, 'its parent is gone');
        else watch(one);
      }
    },
    stop() {
      for (const cancel of timers.values()) cancel();
    },
  };
}

function livingOf(row: Row): Living {
  return {
    ...{ name: textOf(row, 'name'), parent: textOf(row, 'parent'), depth: integerOf(row, 'depth') },
    asked: SpawnAgent.parse(JSON.parse(textOf(row, 'asked'))),
    ...{ taskId: textOf(row, 'task_id'), endsAt: integerOf(row, 'ends_at') },
  };
}

/** `researcher-s4f09ac`: of its parent's name as much as fits. */
function newName(parent: string, taken: ReadonlyMap<string, unknown>): string {
  for (;;) {
    const name = `${parent.slice(0, 50).replace(/-+$/, '')}-s${randomBytes(4).toString('hex')}`;
    if (!taken.has(name)) return name;
  }
}

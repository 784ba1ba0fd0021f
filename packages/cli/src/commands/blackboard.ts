import { createInterface } from 'node:readline';
import { BlackboardPage, BlackboardVersion, BlackboardVersions } from '@openlegion/contract/blackboard';
import type { CommandContext } from '../command-context.ts';
import { type ControlClient, createControlClient } from '../control/control-client.ts';
import { entryTable, entryText, versionLine } from '../coordination/blackboard-lines.ts';
import { parseValue } from '../coordination/parse-value.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface BlackboardOptions {
  team?: string;
  json?: boolean;
  after?: string;
  ifVersion?: string;
  ttl?: string;
  to?: string;
}

interface Place {
  control: ControlClient;
  terminal: Terminal;
  options: BlackboardOptions;
}

export function blackboardPlace({ home, terminal }: CommandContext, options: BlackboardOptions): Place {
  return { control: createControlClient(home), terminal, options };
}

/** Keys that start with `prefix`. */
export async function blackboardList(place: Place, prefix = ''): Promise<number> {
  const page = await place.control.json(BlackboardPage, {
    method: 'GET',
    path: pathOf('', place, { prefix, after: place.options.after }),
  });
  return show(place, page, () => entryTable(page));
}

export async function blackboardGet(place: Place, key: string): Promise<number> {
  const entry = await place.control.json(BlackboardVersion, {
    method: 'GET',
    path: pathOf('/entry', place, { key }),
  });
  return show(place, entry, () => entryText(entry));
}

export async function blackboardHistory(place: Place, key: string): Promise<number> {
  const found = await place.control.json(BlackboardVersions, {
    method: 'GET',
    path: pathOf('/history', place, { key }),
  });
  return show(place, found, () => found.versions.map(versionLine).join('\n') || 'It has no history.');
}

/** Writes; with `ifVersion` only over that version (0: only where there is none). */
export async function blackboardSet(place: Place, key: string, value: string): Promise<number> {
  const { ifVersion, ttl } = place.options;
  return change(place, 'set', {
    ...{ key, value: parseValue(value) },
    ...(ifVersion === undefined ? {} : { ifVersion: Number(ifVersion) }),
    ...(ttl === undefined ? {} : { ttlMs: Number(ttl) * 1000 }),
  });
}

export async function blackboardDelete(place: Place, key: string): Promise<number> {
  const { ifVersion } = place.options;
  return change(place, 'delete', {
    key,
    ...(ifVersion === undefined ? {} : { ifVersion: Number(ifVersion) }),
  });
}

/** Makes an earlier version current again, by default the last but one. */
export async function blackboardUndo(place: Place, key: string): Promise<number> {
  const { to } = place.options;
  return change(place, 'undo', { key, ...(to === undefined ? {} : { toVersion: Number(to) }) });
}

/** Shows changes as they are made, until it is interrupted. */
export async function blackboardWatch(place: Place, prefix = ''): Promise<number> {
  const { control, terminal, options } = place;
  const stream = await control.stream({ method: 'GET', path: pathOf('/watch', place, { prefix }) });
  for await (const line of createInterface({ input: stream })) {
    if (line === '') continue;
    const version = BlackboardVersion.parse(JSON.parse(line));
    terminal.line(options.json ? JSON.stringify(version) : versionLine(version));
  }
  return 0;
}

async function change(place: Place, what: 'set' | 'delete' | 'undo', body: object): Promise<number> {
  const written = await place.control.json(BlackboardVersion, {
    ...{ method: 'POST', path: `/api/blackboard/${what}`, json: { ...body, namespace: namespaceOf(place) } },
  });
  return show(place, written, () => versionLine(written));
}

function show({ terminal, options }: Place, answer: unknown, text: () => string): number {
  terminal.line(options.json ? JSON.stringify(answer, null, 2) : text());
  return 0;
}

function pathOf(action: string, place: Place, query: Record<string, string | undefined>): string {
  const search = new URLSearchParams({ namespace: namespaceOf(place) });
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return `/api/blackboard${action}?${search}`;
}

function namespaceOf({ options: { team } }: Place): string {
  return team === undefined ? 'fleet' : `team/${team}`;
}

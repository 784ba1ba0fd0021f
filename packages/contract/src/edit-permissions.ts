import { z } from 'zod';
import { OpenLegionError } from './open-legion-error.ts';
import { AgentPermissions, PermissionsConfig } from './permissions-config.ts';

export type Permission = keyof AgentPermissions;

/** `exec` and `exec=ask` are entries of `allowed_tools`; a switch such as `can_spawn` takes none (''). */
export type PermissionEdit = { grant: string } | { revoke: string };

/**
 * `config/permissions.json` with an entry added to or taken from what an agent is granted, and every other byte as it
 * was. An agent without a record of its own gets one that begins as a copy of `default`, so that it loses nothing.
 * Null when nothing changes. Throws `bad_request` for a file that is not a permissions file, and for an entry that the
 * permission cannot have.
 */
export function editPermission(
  text: string,
  agent: string,
  permission: Permission,
  edit: PermissionEdit,
): string | null {
  const before = parse(text);
  const own = before.permissions[agent] ?? before.permissions.default ?? AgentPermissions.parse({});
  const value = edited(own[permission], permission, edit);
  if (JSON.stringify(value) === JSON.stringify(own[permission])) return null;
  const record = AgentPermissions.safeParse({ ...own, [permission]: value });
  if (!record.success) throw badEntry(permission, record.error.issues[0]?.message ?? 'it is malformed');

  const permissions = { ...before.permissions, [agent]: record.data };
  const result = splice(text, agent, permission, value);
  if (result !== null && JSON.stringify(parse(result)) === JSON.stringify({ permissions })) return result;
  // The file is written in a way that no small edit fits: written anew, as JSON is usually written.
  const raw = Written.parse(JSON.parse(text));
  const fresh = { ...(raw.permissions[agent] ?? raw.permissions.default), [permission]: value };
  return `${JSON.stringify({ permissions: { ...raw.permissions, [agent]: fresh } }, null, 2)}\n`;
}

function edited(
  now: AgentPermissions[Permission],
  permission: Permission,
  edit: PermissionEdit,
): AgentPermissions[Permission] {
  const grants = 'grant' in edit;
  const entry = grants ? edit.grant : edit.revoke;
  if (typeof now === 'boolean') {
    if (entry !== '') throw badEntry(permission, 'it is on or off, and takes no entry');
    return grants;
  }
  if (entry === '') throw badEntry(permission, 'it takes an entry');
  if (Array.isArray(now)) {
    if (!grants) return now.filter((one) => one !== entry);
    return now.includes(entry) ? now : [...now, entry];
  }
  const [tool = '', decision = 'allow'] = entry.split('=');
  const { [tool]: _old, ...rest } = now;
  if (!grants) return rest;
  if (decision !== 'allow' && decision !== 'ask' && decision !== 'deny')
    throw badEntry(permission, 'a tool is set to allow, ask or deny: exec=ask');
  return { ...now, [tool]: decision };
}

function badEntry(permission: Permission, why: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: `config.permissions.${permission}`,
    message: `${permission} cannot be set to this: ${why}.`,
    remedy: './openlegion permissions --help shows how each is written.',
  });
}

/** As it was written, without the defaults of what is not there. */
const Written = z.object({ permissions: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** Null where there is nothing to splice into. */
function splice(text: string, agent: string, permission: Permission, value: unknown): string | null {
  const record = rangeOf(text, ['permissions', agent]);
  if (!record) {
    const copy = Written.parse(JSON.parse(text)).permissions.default;
    return insertMember(text, rangeOf(text, ['permissions']), agent, { ...copy, [permission]: value });
  }
  const place = rangeOf(text, ['permissions', agent, permission]);
  if (!place) return insertMember(text, record, permission, value);
  const { start, end } = place;
  return (
    text.slice(0, start) + written(value, text.slice(start, end), indentAt(text, start)) + text.slice(end)
  );
}

interface Range {
  start: number;
  end: number;
}

/** Everything in JSON but white space, commas and colons. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s,:{}[\]"]+/g;

/** Where the value under these names stands in a text that is valid JSON; null where there is none. */
function rangeOf(text: string, path: readonly string[]): Range | null {
  const tokens = [...text.matchAll(TOKEN)].map((found) => ({ token: found[0], start: found.index }));
  const is = (index: number, ...those: string[]) => those.includes(tokens[index]?.token ?? '}');
  /** The token behind the value that begins here. */
  const behind = (first: number): number => {
    let depth = 0;
    let index = first;
    do {
      if (is(index, '{', '[')) depth += 1;
      else if (is(index, '}', ']')) depth -= 1;
      index += 1;
    } while (depth > 0);
    return index;
  };
  let at = 0;
  for (const name of path) {
    if (!is(at, '{')) return null;
    at += 1;
    while (!is(at, '}') && JSON.parse(tokens[at]?.token ?? '""') !== name) at = behind(at + 1);
    if (is(at, '}')) return null;
    at += 1;
  }
  const [first, last] = [tokens[at], tokens[behind(at) - 1]];
  return first && last ? { start: first.start, end: last.start + last.token.length } : null;
}

/** A value in the manner of the one before it: over several lines, or on one. */
function written(value: unknown, before: string, outer: string): string {
  const inner = /^[[{]\s*\n([ \t]*)/.exec(before)?.[1];
  const members = Array.isArray(value)
    ? value.map((one) => JSON.stringify(one))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${JSON.stringify(one)}`)
      : null;
  if (members === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (members.length === 0) return open + close;
  if (inner !== undefined)
    return `${open}\n${members.map((one) => inner + one).join(',\n')}\n${outer}${close}`;
  const space = Array.isArray(value) ? '' : ' ';
  return `${open}${space}${members.join(', ')}${space}${close}`;
}

/** Adds a member after the last one of an object, indented as it is; null where it has none. */
function insertMember(text: string, object: Range | null, key: string, value: unknown): string | null {
  if (!object) return null;
  const end = object.end - 1;
  const body = text.slice(0, end).trimEnd();
  if (body.endsWith('{')) return null;
  const outer = indentAt(text, object.start);
  const inner = `${outer}  `;
  const member = `${JSON.stringify(key)}: ${JSON.stringify(value, null, 2).replaceAll('\n', `\n${inner}`)}`;
  return `${body},\n${inner}${member}\n${outer}${text.slice(end)}`;
}

/** The white space that the line begins with which holds this place. */
function indentAt(text: string, place: number): string {
  const line = text.slice(text.lastIndexOf('\n', place - 1) + 1, place);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function parse(text: string): PermissionsConfig {
  try {
    return PermissionsConfig.parse(JSON.parse(text));
  } catch (cause) {
    throw new OpenLegionError(
      {
        code: 'bad_request',
        rule: 'config.permissions',
        message: 'config/permissions.json is not a permissions file.',
        remedy: `Correct it first. ${cause instanceof SyntaxError ? cause.message : ''}`.trim(),
      },
      { cause },
    );
  }
}

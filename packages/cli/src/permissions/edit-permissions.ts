import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { AgentPermissions, PermissionsConfig } from '@openlegion/contract/permissions-config';
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { z } from 'zod';

/**
 * `config/permissions.json` with a host added to or taken from an agent's `allowed_domains`, and every other byte as
 * it was. An agent without a record of its own gets one that begins as a copy of `default`, so that it loses nothing.
 * Null when nothing changes. Throws `bad_request` for a file that is not a permissions file.
 */
export function editAllowedDomains(
  text: string,
  agent: string,
  change: { add: string } | { remove: string },
): string | null {
  const before = parse(text);
  const own = before.permissions[agent] ?? before.permissions.default;
  const listed = own?.allowed_domains ?? [];
  const domains =
    'add' in change
      ? listed.includes(change.add)
        ? listed
        : [...listed, change.add]
      : listed.filter((host) => host !== change.remove);
  if (domains.length === listed.length) return null;

  const permissions = {
    ...before.permissions,
    [agent]: AgentPermissions.parse({ ...own, allowed_domains: domains }),
  };
  const edited = splice(text, agent, domains);
  if (edited !== null && JSON.stringify(parse(edited)) === JSON.stringify({ permissions })) return edited;
  // The file is written in a way that no small edit fits: written anew, as JSON is usually written.
  const raw = Written.parse(JSON.parse(text));
  const record = { ...(raw.permissions[agent] ?? raw.permissions.default), allowed_domains: domains };
  return `${JSON.stringify({ permissions: { ...raw.permissions, [agent]: record } }, null, 2)}\n`;
}

/** As it was written, without the defaults of what is not there. */
const Written = z.object({ permissions: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** JSON is YAML, and YAML's reader says where in the text each thing stands. Null where there is nothing to splice. */
function splice(text: string, agent: string, domains: readonly string[]): string | null {
  const root = parseDocument(text).contents;
  const agents = isMap(root) ? root.get('permissions') : null;
  if (!isMap(agents)) return null;
  const record = agents.get(agent);
  if (!isMap(record)) {
    const copy = Written.parse(JSON.parse(text)).permissions.default;
    return insertPair(text, agents, agent, { ...copy, allowed_domains: domains });
  }
  const list = record.get('allowed_domains', true);
  if (!isSeq(list) || !list.range) return insertPair(text, record, 'allowed_domains', domains);
  const [start, end] = list.range;
  const written = text.slice(start, end);
  const lines = /\[\s*\n([ \t]*)/.exec(written);
  const items = domains.map((host) => JSON.stringify(host));
  const replaced = lines
    ? `[\n${items.map((item) => lines[1] + item).join(',\n')}\n${indentAt(text, start)}]`
    : `[${items.join(', ')}]`;
  return text.slice(0, start) + replaced + text.slice(end);
}

/** Adds a member after the last one of an object, indented as it is. */
function insertPair(text: string, map: YAMLMap, key: string, value: unknown): string | null {
  const last = map.items.at(-1);
  if (!last || !map.range) return null;
  const end = text.lastIndexOf('}', map.range[1] - 1);
  const body = text.slice(0, end).trimEnd();
  const outer = indentAt(text, map.range[0]);
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
        rule: 'cli.permissions',
        message: 'config/permissions.json is not a permissions file.',
        remedy: `Correct it first. ${cause instanceof SyntaxError ? cause.message : ''}`.trim(),
      },
      { cause },
    );
  }
}

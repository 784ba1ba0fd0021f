import { PermissionCheck } from '@openlegion/contract/control-permissions';
import { editPermission, type Permission } from '@openlegion/contract/edit-permissions';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { requireAgents } from '../configuration/require-agents.ts';
import { createControlClient } from '../control/control-client.ts';
import { parseDomainPattern } from '../permissions/domain-pattern.ts';
import { runningSupervisor } from '../supervisor/supervisor-file.ts';

/** Adds or takes away one entry of `config/permissions.json`; the host records each change with who asked for it. */
export async function permissionsChange(
  context: CommandContext,
  asked: { verb: 'grant' | 'revoke'; agent: string; permission: string; entry: string },
): Promise<number> {
  const { home, terminal } = context;
  const { verb, agent } = asked;
  const permission = permissionNamed(asked.permission);
  const entry = verb === 'grant' && permission === 'allowed_domains' ? hostOf(asked.entry) : asked.entry;
  if (agent !== 'default') requireAgents(home, [agent]);
  const done = await changeConfiguration(context, configPaths(home).permissions, (text) =>
    editPermission(text, agent, permission, verb === 'grant' ? { grant: entry } : { revoke: entry }),
  );
  const what = `${permission}${entry === '' ? '' : ` ${entry}`}`;
  if (done === 'unchanged')
    terminal.line(verb === 'grant' ? `${agent} has ${what} already.` : `${agent} has no entry ${what}.`);
  if (verb === 'revoke' && agent !== 'default') await sayWhatRemains(context, agent, permission, entry);
  return 0;
}

/** A wider entry may still grant what was taken away: the person who revokes must hear of it. */
async function sayWhatRemains(
  { home, terminal }: CommandContext,
  agent: string,
  permission: Permission,
  entry: string,
): Promise<void> {
  if (entry.includes('*') || !runningSupervisor(home)?.port) return;
  const path = `/api/permissions/check?${new URLSearchParams({ agent, permission, key: entry })}`;
  const left = await createControlClient(home).json(PermissionCheck, { method: 'GET', path });
  if (left.decision === 'denied') return;
  terminal.line(
    terminal.style('yellow', `! ${agent} still has it: the entry "${left.entry}" covers ${entry} as well.`),
  );
}

function hostOf(typed: string): string {
  const host = parseDomainPattern(typed);
  if (host.valid) return host.pattern;
  throw new OpenLegionError({ code: 'bad_request', rule: 'cli.egress.host', ...host });
}

function permissionNamed(name: string): Permission {
  const names = AgentPermissions.keyof().options;
  const found = names.find((permission) => permission === name);
  if (found) return found;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.permissions.name',
    message: `There is no permission named ${JSON.stringify(name)}.`,
    remedy: `There are: ${names.join(', ')}.`,
  });
}

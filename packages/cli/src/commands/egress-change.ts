import { editPermission } from '@openlegion/contract/edit-permissions';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { requireAgents } from '../configuration/require-agents.ts';
import { parseDomainPattern } from '../permissions/domain-pattern.ts';

/** Lets an agent reach a host, or no longer, in `config/permissions.json`. */
export async function egressChange(
  context: CommandContext,
  verb: 'allow' | 'deny',
  agent: string,
  typed: string,
): Promise<number> {
  const { home, terminal } = context;
  requireAgents(home, [agent]);
  const host = parseDomainPattern(typed);
  // What is refused today may stand in a file of yesterday: taking it out is always possible.
  if (!host.valid && verb === 'allow')
    throw new OpenLegionError({ code: 'bad_request', rule: 'cli.egress.host', ...host });
  const pattern = host.valid ? host.pattern : typed;
  const edit = verb === 'allow' ? { grant: pattern } : { revoke: pattern };
  const done = await changeConfiguration(context, configPaths(home).permissions, (text) =>
    editPermission(text, agent, 'allowed_domains', edit),
  );
  if (done === 'unchanged') {
    terminal.line(
      verb === 'allow'
        ? `${agent} may reach ${pattern} already.`
        : `${agent} has no ${pattern} in allowed_domains; a wider pattern or a credential may still reach it.`,
    );
  }
  return 0;
}

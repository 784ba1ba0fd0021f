import { existsSync, readFileSync } from 'node:fs';
import { AgentName } from '@openlegion/contract/agent-name';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { editPermission } from '@openlegion/contract/edit-permissions';
import { configPaths } from '@openlegion/contract/installation';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parse } from 'yaml';
import type { CommandContext } from '../command-context.ts';
import { changeConfiguration } from '../configuration/change-configuration.ts';
import { parseDomainPattern } from '../permissions/domain-pattern.ts';
import { unknownAgent } from './chat.ts';

/** Lets an agent reach a host, or no longer, in `config/permissions.json`. */
export async function egressChange(
  context: CommandContext,
  verb: 'allow' | 'deny',
  agent: string,
  typed: string,
): Promise<number> {
  const { home, terminal } = context;
  requireAgent(home, agent);
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

/** Throws `not_found` for a name that config/agents.yaml does not have. */
export function requireAgent(home: string, agent: string): void {
  const { agents, directory } = configPaths(home);
  if (!existsSync(agents))
    throw new OpenLegionError({
      code: 'not_found',
      rule: 'cli.configuration',
      message: `There is no configuration in ${directory} yet.`,
      remedy: 'Run ./openlegion start, which makes one, or name the installation with --home.',
    });
  const config = AgentsConfig.safeParse(parse(readFileSync(agents, 'utf8')));
  const names = config.success ? Object.keys(config.data.agents) : null;
  if (AgentName.safeParse(agent).success && (names === null || names.includes(agent))) return;
  throw unknownAgent(agent, names ?? []);
}

import { FleetStatus } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { oneShot } from '../chat/one-shot.ts';
import { readMessage } from '../chat/read-message.ts';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';

/** With text (or text on standard input) one message; otherwise a conversation. */
export async function chat(
  { home, terminal }: CommandContext,
  options: { agent: string; text: string; json: boolean },
): Promise<number> {
  const { agent, json } = options;
  const control = createControlClient(home);
  const found = await control.json(FleetStatus, { method: 'GET', path: '/api/status' });
  const names = found.agents.map(({ name }) => name);
  if (!names.includes(agent)) throw unknownAgent(agent, names);

  const text = await readMessage(options.text, terminal, agent);
  if (text !== null) return oneShot({ control, terminal, agent, text, json });
  const { runRepl } = await import('../chat/repl.ts');
  await runRepl({ control, terminal, agent, onQuit: 'Bye. The fleet goes on; ./openlegion stop ends it.' });
  return 0;
}

export function unknownAgent(agent: string, names: readonly string[]): OpenLegionError {
  return new OpenLegionError({
    code: 'not_found',
    rule: 'cli.agent',
    message: `There is no agent named ${JSON.stringify(agent)}.`,
    remedy: names.length > 0 ? `There are: ${names.join(', ')}.` : 'Add one to config/agents.yaml.',
  });
}

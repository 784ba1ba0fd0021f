import { FleetStatus } from '@openlegion/contract/control-api';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { oneShot } from '../chat/one-shot.ts';
import type { CommandContext } from '../command-context.ts';
import { createControlClient } from '../control/control-client.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;

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

  let text = options.text;
  if (text === '' && !terminal.input.isTTY) {
    text = await readText(terminal.input);
    if (text.trim() === '') {
      throw new OpenLegionError({
        code: 'bad_request',
        rule: 'cli.chat.empty',
        message: 'There is no message: standard input is empty.',
        remedy: `Write it after the name (./openlegion chat ${agent} "hello"), or pipe it in.`,
      });
    }
  }
  if (text !== '') return oneShot({ control, terminal, agent, text, json });
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

async function readText(input: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const piece = Buffer.from(chunk);
    size += piece.length;
    if (size > MAX_MESSAGE_BYTES) {
      throw new OpenLegionError({
        code: 'too_large',
        rule: 'cli.chat.size',
        message: 'A message has at most 256 KiB.',
        remedy: "Put what is larger into a file of the agent's workspace.",
      });
    }
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString();
}

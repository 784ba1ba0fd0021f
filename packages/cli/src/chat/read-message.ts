import { isUtf8 } from 'node:buffer';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { Terminal } from '../terminal/terminal.ts';

const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * The message: what was typed behind the agent's name, else what standard input holds. Null where neither is there and
 * a person sits at the terminal. Throws `bad_request` for an empty one and for what is not text, `too_large`.
 */
export async function readMessage(
  typed: string,
  { input }: Pick<Terminal, 'input'>,
  agent: string,
): Promise<string | null> {
  if (typed === '' && input.isTTY) return null;
  const text = typed === '' ? await readText(input, agent) : typed;
  if (text.trim() !== '') return text;
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.chat.empty',
    message: `There is no message: ${typed === '' ? 'standard input' : 'the text'} is empty.`,
    remedy: `Write it after the name (./openlegion chat ${agent} "hello"), or pipe it in.`,
  });
}

async function readText(input: AsyncIterable<Buffer | string>, agent: string): Promise<string> {
  const remedy = `A file is put into the agent's workspace with ./openlegion workspace put ${agent} NAME < FILE.`;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const piece = Buffer.from(chunk);
    size += piece.length;
    if (size > MAX_MESSAGE_BYTES)
      throw new OpenLegionError({
        code: 'too_large',
        rule: 'cli.chat.size',
        message: 'A message has at most 256 KiB.',
        remedy,
      });
    chunks.push(piece);
  }
  const bytes = Buffer.concat(chunks);
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString();
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.chat.binary',
    message: 'Standard input is not text (UTF-8), and a message is.',
    remedy,
  });
}

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readMessage } from './read-message.ts';

const from = (...chunks: (string | Buffer)[]) => ({ input: Readable.from(chunks) });
const terminal = { input: Object.assign(Readable.from([]), { isTTY: true }) };

test('a message is what was typed, else what is piped in; a person at a terminal is talked with', async () => {
  assert.equal(await readMessage('hello', from('piped'), 'a'), 'hello');
  // A letter may lie in two pieces.
  assert.equal(await readMessage('', from(Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a])), 'a'), 'é\n');
  assert.equal(await readMessage('', terminal, 'a'), null);
});

test('an empty one, one that is no text and one that is too long are refused before anything is sent', async () => {
  for (const empty of [readMessage('', from(), 'a'), readMessage('', from(' \n'), 'a')])
    await assert.rejects(empty, { rule: 'cli.chat.empty', message: /standard input is empty/ });
  await assert.rejects(readMessage('  ', terminal, 'a'), { rule: 'cli.chat.empty', message: /the text is/ });
  for (const bytes of [Buffer.from([0x7f, 0x45, 0xff, 0xfe]), Buffer.from('a\0b')])
    await assert.rejects(readMessage('', from(bytes), 'a'), { rule: 'cli.chat.binary' });
  await assert.rejects(readMessage('', from(Buffer.alloc(256 * 1024, 'a'), 'a'), 'a'), {
    rule: 'cli.chat.size',
  });
});

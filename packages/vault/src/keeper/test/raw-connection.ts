import { once } from 'node:events';
import { connect } from 'node:net';
import type { KeeperAnswer } from '@openlegion/contract/keeper-protocol';

/** One connection that sends what a test wants sent, and keeps all that came back. */
export async function openRaw(path: string) {
  const socket = connect({ path });
  await once(socket, 'connect');
  let received = '';
  let lastId = 0;
  const waiting = new Map<number, (answer: KeeperAnswer) => void>();
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (text: string) => {
    received += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer: KeeperAnswer = JSON.parse(line);
      waiting.get(answer.id)?.(answer);
    }
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    received: () => received,
    closed,
    call(op: string, args: unknown): Promise<KeeperAnswer> {
      lastId += 1;
      const id = lastId;
      const answer = new Promise<KeeperAnswer>((resolve) => waiting.set(id, resolve));
      socket.write(`${JSON.stringify({ id, op, args })}\n`);
      return answer;
    },
    /** Sends bytes as they are; the answer is whether the keeper closed the connection. */
    async end(): Promise<void> {
      socket.destroy();
      await closed;
    },
  };
}

/** The result, or the test fails with the refusal. */
export async function result(answer: Promise<KeeperAnswer>): Promise<unknown> {
  const got = await answer;
  if (!got.ok) throw new Error(`refused: ${got.refusal.rule}: ${got.refusal.message}`);
  return got.result;
}

export async function refused(
  answer: Promise<KeeperAnswer>,
): Promise<{ code: string; rule: string; message: string; remedy: string }> {
  const got = await answer;
  if (got.ok) throw new Error('was not refused');
  return got.refusal;
}

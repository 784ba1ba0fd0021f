/**
 * A host in a process of its own, for `kill -9`: real store, pipe and control API; its agents are in this process
 * and keep what they answered in a file, as ours do in their volume. Prints its port, then serves until killed.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { startFixture } from './host-fixture.ts';

const home = process.argv[2] ?? '';
const answered = `${home}/answered.ndjson`;

function recorded(messageId: string): string | undefined {
  if (!existsSync(answered)) return undefined;
  const lines = readFileSync(answered, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).find((entry) => entry.messageId === messageId)?.reply;
}

const fixture = await startFixture({
  home,
  async turn(turn) {
    const earlier = recorded(turn.messageId);
    if (earlier !== undefined) return turn.end(earlier);
    turn.say({ type: 'turn_started', resumed: false });
    turn.say({ type: 'text_delta', text: 'w' });
    await new Promise((resolve) => setImmediate(resolve));
    const reply = `${turn.agent} answers ${turn.text}`;
    appendFileSync(answered, `${JSON.stringify({ messageId: turn.messageId, reply })}\n`);
    turn.end(reply);
  },
});
process.stdout.write(
  `${JSON.stringify({ port: fixture.host.port, token: fixture.token, run: fixture.run })}\n`,
);

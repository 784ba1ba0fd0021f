import { once } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import type { FakeTurn } from '../../fleet/test/fake-backend.ts';
import { type Answer, answerOf } from '../../test/answer.ts';
import { type Fixture, startFixture } from '../../test/host-fixture.ts';

/** One request on the inner session, as a program in a container makes it. */
export async function askMesh(
  mesh: ClientHttp2Session,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const target = method === 'CONNECT' ? { ':authority': path } : { ':path': path };
  const stream = mesh.request({ ':method': method, ...target, ...headers }, { endStream: false });
  stream.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  // Read from the start: Node drops what nobody reads when the stream has closed.
  const reading = text(stream);
  const [answer] = await once(stream, 'response');
  return answerOf(Number(answer[':status']), answer, await reading);
}

/** Runs `work` as the program in the agent's container, in a turn. */
export async function asAgent(
  agent: string,
  work: (turn: FakeTurn, fixture: Fixture) => Promise<void>,
): Promise<void> {
  let failure: unknown;
  const given = Promise.withResolvers<Fixture>();
  await using fixture = await startFixture({
    async turn(turn) {
      if (turn.agent === agent && turn.text === 'go') {
        try {
          await work(turn, await given.promise);
        } catch (error) {
          failure = error;
        }
      }
      turn.end('done');
    },
  });
  given.resolve(fixture);
  const { messageId } = await fixture.send(agent, 'go');
  await fixture.trace(messageId);
  if (failure) throw failure;
}

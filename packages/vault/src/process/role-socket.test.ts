import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Transaction } from './database.ts';
import { listenForRole, type Operation } from './role-socket.ts';

/** Sends `lines` in one write and gives back what was answered when the other side had nothing more to say. */
async function answersTo(t: TestContext, operation: Operation, together: Transaction, lines: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'role-'));
  const path = join(directory, 's.sock');
  const faults: unknown[] = [];
  const server = await listenForRole(path, {
    operations: new Map([['do', operation]]),
    together,
    started: () => {},
    ended: () => {},
    failed: (error) => void faults.push(error),
  });
  t.after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  const socket = connect({ path });
  socket.end(lines.map((line) => `${line}\n`).join(''));
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const answers = text.split('\n').filter((line) => line !== '');
  return { faults, answers: answers.map((line) => JSON.parse(line)) };
}

const line = (id: number) => JSON.stringify({ id, op: 'do', args: id });
const three = [line(1), line(2), line(3)];

test('what came together is done in one transaction and answered after it', async (t) => {
  const seen: string[] = [];
  const together = <T>(work: () => T): T => {
    const result = work();
    seen.push('committed');
    return result;
  };
  const { answers } = await answersTo(t, (args) => void seen.push(`did ${args}`), together, three);
  assert.deepEqual(seen.slice(0, 4), ['did 1', 'did 2', 'did 3', 'committed']);
  assert.deepEqual(
    answers.map(({ id, ok }) => [id, ok]),
    [
      [1, true],
      [2, true],
      [3, true],
    ],
  );
});

test('when the commit fails everything in it is refused, and nothing of a secret is answered', async (t) => {
  const full = Object.assign(new Error('SQLITE_FULL'), { errcode: 13 });
  for (const [error, code] of [
    [full, 'disk_full'],
    [new Error('sk-secret'), 'internal'],
  ] as const) {
    const together = <T>(work: () => T): T => {
      work();
      throw error;
    };
    const { answers, faults } = await answersTo(t, () => ({ secret: 'sk-released' }), together, three);
    assert.deepEqual(
      answers.map(({ id, ok, refusal }) => [id, ok, refusal.code]),
      [1, 2, 3].map((id) => [id, false, code]),
    );
    assert.equal(JSON.stringify(answers).includes('sk-'), false);
    assert.deepEqual(faults[0], error);
  }
});

test('answers that are large are sent as they come, not all held at once', async (t) => {
  const commits: number[] = [];
  let done = 0;
  const together = <T>(work: () => T): T => {
    const result = work();
    commits.push(done);
    return result;
  };
  const large = 'x'.repeat(400_000);
  const lines = Array.from({ length: 10 }, (_, id) => line(id));
  const operation = () => {
    done += 1;
    return large;
  };
  const { answers } = await answersTo(t, operation, together, lines);
  assert.equal(answers.length, 10);
  assert.deepEqual(commits.slice(0, 3), [3, 6, 9], 'never more than a line and its last answer');
});

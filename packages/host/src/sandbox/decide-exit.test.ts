import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideExit, type ExitFacts } from './decide-exit.ts';

describe('why a container ended', () => {
  const facts: ExitFacts = {
    limit: null,
    stopRequested: false,
    exitCode: 0,
    oomKilled: false,
    lost: null,
    memoryBytes: 384 * 1024 * 1024,
  };
  const causeOf = (change: Partial<ExitFacts>) => decideExit({ ...facts, ...change }).cause;

  test('each cause', () => {
    assert.equal(causeOf({}), 'exited');
    assert.equal(causeOf({ exitCode: 3 }), 'exited');
    assert.equal(causeOf({ exitCode: 137 }), 'killed');
    assert.equal(causeOf({ exitCode: 139 }), 'killed');
    assert.equal(causeOf({ exitCode: 137, oomKilled: true }), 'out_of_memory');
    assert.equal(causeOf({ exitCode: 137, stopRequested: true }), 'stopped');
    assert.equal(causeOf({ exitCode: null, lost: 'gone' }), 'killed');
    assert.equal(
      causeOf({ exitCode: 137, limit: 'too much', stopRequested: true, oomKilled: true }),
      'limit',
    );
  });

  test('a lost child of one that ended well is not its own end', () => {
    assert.equal(causeOf({ exitCode: 0, oomKilled: true }), 'exited');
  });

  test('an engine that does not tell of memory leaves it open', () => {
    assert.match(decideExit({ ...facts, exitCode: 137, oomKilled: null }).reason, /perhaps for its memory/);
  });
});

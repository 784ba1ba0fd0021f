import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged, unchecked } from './guarantee.ts';
import * as limits from './judge-limits.ts';
import { type JudgeCase, testCases } from './test/judge-cases.ts';
import { exit } from './test/seen.ts';

const CASES: JudgeCase[] = [
  {
    id: 'limits.processes',
    good: limits.judgeForks({ started: 250, failure: 'EAGAIN' }, 256),
    bad: {
      unlimited: limits.judgeForks({ started: 1024, failure: 'none' }, 256),
      high: limits.judgeForks({ started: 900, failure: 'EAGAIN' }, 256),
    },
  },
  {
    id: 'limits.memory',
    good: limits.judgeMemory({ taken: null, exit: exit('out_of_memory') }, 2 ** 28),
    bad: {
      unlimited: limits.judgeMemory({ taken: { megabytes: 512, ended: 'by itself' }, exit: null }, 2 ** 28),
      unknown: limits.judgeMemory({ taken: null, exit: null }, 2 ** 28),
    },
  },
  {
    id: 'limits.disk',
    good: limits.judgeDisk(
      { directories: [{ path: '/tmp', bytes: 90, failure: 'ENOSPC' }] },
      new Map([['/tmp', 100]]),
    ),
    bad: {
      unlimited: limits.judgeDisk(
        { directories: [{ path: '/tmp', bytes: 90, failure: 'none' }] },
        new Map([['/tmp', 100]]),
      ),
      high: limits.judgeDisk(
        { directories: [{ path: '/tmp', bytes: 900, failure: 'ENOSPC' }] },
        new Map([['/tmp', 100]]),
      ),
    },
  },
  {
    id: 'limits.open-files',
    good: limits.judgeOpenFiles({ opened: 4000, failure: 'EMFILE' }),
    bad: { unlimited: limits.judgeOpenFiles({ opened: 1_000_000, failure: 'none' }) },
  },
  {
    id: 'limits.processor',
    good: limits.judgeProcessor({ cpuMs: 150, wallMs: 1000 }, 0.15),
    bad: {
      whole: limits.judgeProcessor({ cpuMs: 1000, wallMs: 1000 }, 0.15),
      unmeasured: limits.judgeProcessor({ cpuMs: 0, wallMs: 0 }, 0.15),
    },
  },
  {
    id: 'limits.standard-error',
    good: limits.judgeStderr(exit('limit')),
    bad: { running: limits.judgeStderr(null), other: limits.judgeStderr(exit('exited')) },
  },
  {
    id: 'limits.end',
    good: limits.judgeEnd(exit('stopped')),
    bad: { running: limits.judgeEnd(null) },
  },
];

testCases(/^limits\./, CASES);

test('a memory bomb that is refused at the limit, or killed alone, is contained as well', () => {
  const refused = { taken: { megabytes: 200, ended: 'by itself' }, exit: null };
  assert.equal(limits.judgeMemory(refused, 2 ** 28).verdict, 'holds');
  const killed = { taken: { megabytes: 0, ended: 'SIGKILL' }, exit: null };
  assert.equal(limits.judgeMemory(killed, 2 ** 28).verdict, 'holds');
});

test('what the sandbox declares missing is tried all the same: missing, or held against its word', () => {
  const promised = 'limits.disk';
  const missing = judged(promised, {
    holds: false,
    evidence: 'seen',
    why: 'broken',
    declared: 'no quota here',
  });
  assert.deepEqual([missing.verdict, missing.why], ['cannot_be_given', 'no quota here']);
  const held = judged(promised, { holds: true, evidence: 'seen', why: 'broken', declared: 'no quota here' });
  assert.equal(held.verdict, 'holds');
  assert.match(held.evidence, /no quota here/);
  assert.equal(judged(promised, { holds: false, evidence: 'seen', why: 'w' }).verdict, 'broken');
  assert.equal(unchecked(promised, new Error('gone')).verdict, 'broken');
});

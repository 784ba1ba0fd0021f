import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guarantee } from '@openlegion/contract/control-api';
import { PROMISES } from '../promises.ts';

/** Per guarantee: an observation under which it holds, and those under which it must not. */
export interface JudgeCase {
  id: string;
  good: Guarantee;
  bad: Record<string, Guarantee>;
}

/** One test for each case, and one that none of these promises is without. */
export function testCases(promises: RegExp, cases: readonly JudgeCase[]): void {
  for (const { id, good, bad } of cases) {
    test(`${id}: holds for what is right, broken for each that is wrong`, () => {
      assert.equal(good.id, id);
      assert.equal(good.verdict, 'holds', good.evidence);
      for (const [name, guarantee] of Object.entries(bad)) {
        assert.equal(guarantee.id, id);
        assert.equal(guarantee.verdict, 'broken', `${name}: ${guarantee.evidence}`);
        assert.notEqual(guarantee.why, '', name);
      }
    });
  }
  test('every promise has its cases', () => {
    const promised = Object.keys(PROMISES).filter((id) => promises.test(id));
    assert.deepEqual(cases.map(({ id }) => id).toSorted(), promised.toSorted());
  });
}

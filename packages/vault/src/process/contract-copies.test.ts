import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketPaths as contractPaths } from '@openlegion/contract/installation';
import { KEEPER_LINE_BYTES } from '@openlegion/contract/keeper-protocol';
import { REFUSAL_STATUS, RefusalCode } from '@openlegion/contract/refusal';
import { LINE_BYTES } from './json-lines.ts';
import { isRefusalCode, refusalStatus } from './refusal-status.ts';
import { socketPaths } from './socket-paths.ts';

test('what the vault repeats of the contract is what the contract says', () => {
  for (const code of RefusalCode.options) assert.equal(refusalStatus(code), REFUSAL_STATUS[code]);
  assert.deepEqual(socketPaths('/run/x'), contractPaths('/run/x'));
  assert.equal(LINE_BYTES, KEEPER_LINE_BYTES);
  for (const word of ['', 'toString', '__proto__', 'Denied', 402]) assert.equal(isRefusalCode(word), false);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('nothing that is printed reaches standard output; what is written to the pipe does', () => {
  const source = `
    const { claimStdio } = await import(${JSON.stringify(`${import.meta.dirname}/claim-stdio.ts`)});
    const { output } = claimStdio();
    console.log('printed'); console.info('informed'); console.table([1]);
    process.stdout.write('written');
    output.write('on the wire');
    output.end(() => process.exit(0));`;
  const ended = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    input: '',
    timeout: 20_000,
  });
  assert.equal(ended.stdout, 'on the wire');
  assert.match(ended.stderr, /printed[\s\S]*informed[\s\S]*written/);
});

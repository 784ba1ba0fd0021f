import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareDemoHome } from './demo-home.ts';

test('a demo that is kept runs on the model it is said to run on, or not at all', (context) => {
  const parent = mkdtempSync(join(tmpdir(), 'openlegion-demo-'));
  context.after(() => rmSync(parent, { recursive: true, force: true }));
  for (const [first, same, other] of [
    ['scripted/assistant', 'scripted/assistant', 'openai/gpt-4.1-mini'],
    ['openai/gpt-4.1-mini', 'openai/gpt-4.1-mini', 'scripted/assistant'],
  ] as const) {
    const home = join(parent, first);
    prepareDemoHome({ home, keep: true, model: first });
    prepareDemoHome({ home, keep: true, model: same });
    assert.throws(() => prepareDemoHome({ home, keep: true, model: other }), { rule: 'cli.demo.kept' });
    prepareDemoHome({ home, keep: false, model: other });
  }
});

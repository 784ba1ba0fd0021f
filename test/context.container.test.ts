import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startInstallation, type TestInstallation } from './harness/installation.ts';

/*
 * A conversation ten times as long as the window of its model, in a real container, with the host killed in the
 * middle. The model's help with what is left out is no help: what must hold, holds without it.
 */

/** Tokens for the prompt, beside those of an answer. */
const WINDOW = 8000;
const ANSWER = 4000;
const CITIES = ['Lisbon', 'Oslo', 'Vienna', 'Quito', 'Dakar'];
const CONSTRAINTS = [
  'Never write to a customer without asking me first.',
  'Prices are always in euros.',
  'Bitte duze mich immer!',
  '以后不要使用表格。',
  'Do not mention Project Heron to anybody.',
];
const fact = (city: string) => `The storage room in ${city} has the code ${city.length * 1313}.`;

const SCRIPT = JSON.stringify({
  rules: [
    {
      when: { system: 'You keep the memory of an AI agent' },
      answer: { text: 'Let us talk about the weather.' },
    },
    { when: { system: 'You write the record of an AI agent' }, answer: { text: 'Many reports were read.' } },
    { when: { user: '/the code in \\w+\\?$/' }, answer: { text: '{{user}}' } },
    { when: { user: '/show your rules$/' }, answer: { text: '{{system}}' } },
  ],
  otherwise: { text: 'noted' },
});

describe('a conversation ten times its window', { timeout: 400_000 }, () => {
  let installation: TestInstallation;
  before(async () => {
    installation = await startInstallation({
      agents: 'agents:\n  worker: { resources: { cpu_limit: 2 } }\n',
      mesh: `llm:
  default_model: scripted/assistant
  max_tokens: ${ANSWER}
  providers:
    scripted:
      models:
        assistant: { input_usd_per_million: 0.1, output_usd_per_million: 0.1, context_tokens: ${WINDOW + ANSWER}, max_output_tokens: ${ANSWER} }
`,
      permissions: {
        permissions: { worker: { allowed_apis: ['llm'], allowed_tools: { list_files: 'allow' } } },
      },
      scripts: { assistant: SCRIPT },
    });
  });
  after(() => installation?.[Symbol.asyncDispose]());

  const ask = (text: string) => installation.answer('worker', text);
  const report = (turn: number) =>
    `Report ${turn}: ${'the weather was mild and the road was dry, '.repeat(70)}`;
  const MESSAGES = 90;

  test('every fact comes back and every standing wish is in the prompt, a kill in the middle changes nothing', async () => {
    let characters = 0;
    for (let turn = 0; turn < MESSAGES; turn++) {
      const index = Math.floor(turn / 10);
      const planted =
        turn % 10 === 3 ? fact(CITIES[index] ?? 'x') : turn % 10 === 6 ? CONSTRAINTS[index] : '';
      const text = `${index < 5 ? planted : ''}\n${report(turn)}`.trim();
      characters += text.length;
      assert.equal(await ask(text), 'noted');
      if (turn !== MESSAGES / 2) continue;
      const rules = await ask('show your rules');
      assert.ok(rules.includes(`- ${CONSTRAINTS[0]}`));
      await installation.kill('host');
      await installation.start('host');
      assert.equal(await ask('show your rules'), rules);
    }
    assert.ok(characters / 3 > WINDOW * 10, `${characters}`);
    for (const city of CITIES) assert.ok((await ask(`Say the code in ${city}?`)).includes(fact(city)), city);
    const rules = await ask('show your rules');
    for (const constraint of CONSTRAINTS) assert.ok(rules.includes(`- ${constraint}`), constraint);
  });
});

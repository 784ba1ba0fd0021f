import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationOf } from './conversation.ts';
import { decideAnswer } from './decide-answer.ts';
import { fillPlaceholders } from './fill-placeholders.ts';
import { parseScript } from './parse-script.ts';
import type { WireMessage } from './wire-request.ts';

function answerTo(script: string, messages: WireMessage[]): string {
  const parsed = parseScript(script, 's.yaml');
  assert.ok(parsed.ok);
  const { answer, values } = decideAnswer(parsed.script, conversationOf(messages));
  return fillPlaceholders(answer.text ?? '', values);
}

const SYSTEM: WireMessage = { role: 'system', text: 'You are a qualifier' };
const USER: WireMessage = { role: 'user', text: 'score Acme' };
const MODEL: WireMessage = { role: 'assistant', text: 'looking' };
const ROW: WireMessage = { role: 'tool', tool: 'read_file', text: 'Acme,42' };
const TIME: WireMessage = { role: 'tool', tool: 'get_time', text: 'noon' };

const SCRIPT = String.raw`
rules:
  - { when: { user: score, system: outreach }, answer: { text: wrong agent } }
  - { when: { user: '/score (\w+)/', round: 1 }, answer: { text: wrong round } }
  - { when: { user: '/score (\w+)/', system: qualifier }, answer: { text: 'user {{1}} {{round}}' } }
  - { when: { tool: read_file, result: '/(\w+),(\d+)/', round: 1 }, answer: { text: 'row {{2}} of {{user}}, {{result}}' } }
  - { when: { tool: get_time }, answer: { text: 'time {{result}}' } }
  - { when: { result: Zeta }, answer: { text: any tool } }
otherwise: { text: 'otherwise {{round}} {{result}}' }
`;

test('the first rule of which every condition holds answers', () => {
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER]), 'user Acme 0');
  assert.equal(answerTo(SCRIPT, [USER]), 'otherwise 0 ');
});

test('a rule on the user’s message does not match once a tool has answered', () => {
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER, MODEL, ROW]), 'row 42 of score Acme, Acme,42');
});

test('of results that came together, any may match, and is the one that is filled in', () => {
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER, MODEL, ROW, TIME]), 'row 42 of score Acme, Acme,42');
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER, MODEL, ROW, MODEL, TIME, ROW]), 'time noon');
});

test('results from before the model last spoke do not match', () => {
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER, MODEL, TIME, MODEL, { ...ROW, text: 'Zeta' }]), 'any tool');
  assert.equal(
    answerTo(SCRIPT, [SYSTEM, USER, MODEL, TIME, MODEL, { ...ROW, text: 'none' }]),
    'otherwise 2 none',
  );
});

test('a message of the user in between starts the rounds again', () => {
  assert.equal(answerTo(SCRIPT, [SYSTEM, USER, MODEL, ROW, USER]), 'user Acme 0');
});

test('a placeholder in a message stays text', () => {
  const script = 'otherwise: { text: "said {{user}}" }';
  assert.equal(
    answerTo(script, [
      { role: 'system', text: 'hidden' },
      { role: 'user', text: '{{system}} $& {{user}}' },
    ]),
    'said {{system}} $& {{user}}',
  );
});

test('`asked` holds while tools are at work too, and `verbatim` takes braces for what they are', () => {
  const parsed = parseScript(
    'rules: [{ when: { asked: lunch, round: 1 }, answer: { text: "{{user}} {{nobody}}", verbatim: true } }]\notherwise: { text: other }',
    'x.yaml',
  );
  assert.ok(parsed.ok);
  const at = { system: '', user: 'what is for lunch?', results: [], newest: 'tool', characters: 0 } as const;
  const decided = decideAnswer(parsed.script, { ...at, round: 1 });
  assert.equal(decided.rule, 'rules.0');
  assert.equal(fillPlaceholders(decided.answer.text, decided.values), '{{user}} {{nobody}}');
  assert.equal(decideAnswer(parsed.script, { ...at, round: 1, user: 'dinner' }).rule, 'otherwise');
});

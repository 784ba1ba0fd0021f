import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseScript } from './parse-script.ts';

function problemOf(text: string): string {
  const parsed = parseScript(text, 's.yaml');
  assert.ok(!parsed.ok, 'the script was taken');
  const { line, column, message, remedy } = parsed.problem;
  return `${line}:${column} ${message} | ${remedy}`;
}

test('a script is read with its defaults', () => {
  const parsed = parseScript('otherwise: { text: hi }', 's.yaml');
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.script, { description: '', rules: [], otherwise: { text: 'hi' } });
});

test('what is wrong is named with its place and what to do', () => {
  const cases: [string, RegExp][] = [
    ['', /^1:1 the script is empty \|/],
    ['rules: []\n', /^1:1 otherwise: Invalid input/],
    [
      'otherwise:\n  txet: hi\n',
      /^2:3 otherwise: there is no setting "txet" \| Known here: text, reasoning, calls/,
    ],
    [
      'rules:\n  - when: { usr: x }\n    answer: { text: a }\notherwise: { text: a }',
      /^2:13 .*"usr" \| Known here: user, asked, tool/,
    ],
    ['otherwise:\n  text: a\n  delay_ms: -4\n', /^3:3 otherwise\.delay_ms: Too small/],
    [
      'otherwise:\n  text: a\n  error: { status: 200, message: x }\n',
      /^3:12 otherwise\.error\.status: Too small/,
    ],
    ['otherwise: { text: a }\notherwise: { text: b }\n', /^2:1 Map keys must be unique/],
    ['otherwise: { text: a\n', /^2:1 .*flow/i],
    ['otherwise: { text: !!js/function "x" }', /^1:20 Unresolved tag/],
    ['otherwise: {}', /^1:1 otherwise: this answers nothing/],
    ['otherwise: { text: "{{usr}}" }', /^1:14 .*no placeholder \{\{usr\}\} \| Known: \{\{user\}\}/],
    ['otherwise: { calls: [{ tool: t, arguments: { a: [ "{{1}}" ] } }] }', /\{\{1\}\} asks for a group/],
    [
      'rules:\n- when: { user: "/(a)/" }\n  answer: { text: "{{2}}" }\notherwise: { text: a }',
      /^3:13 .*\| It has 1$/,
    ],
    [
      'rules:\n- when: { user: "/(a)\\\\1/" }\n  answer: { text: "" }\notherwise: { text: a }',
      /^2:11 .*reference back/,
    ],
    [
      'rules:\n- when: { user: a, tool: b }\n  answer: { text: "" }\notherwise: { text: a }',
      /^2:11 .*cannot match/,
    ],
  ];
  for (const [text, expected] of cases) assert.match(problemOf(text), expected, text);
});

test('expressions are bounded together, not only each', () => {
  const rules = Array.from(
    { length: 20 },
    () => '- { when: { user: "/a{900}/" }, answer: { text: "" } }',
  ).join('\n');
  assert.match(problemOf(`rules:\n${rules}\notherwise: { text: a }`), /^13:13 .*over 10000 steps together/);
});

test('aliases that would grow without end are refused', () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const items =
      level === 0
        ? '"x"'
        : Array(9)
            .fill(`*a${level - 1}`)
            .join(', ');
    return `a${level}: &a${level} [${items}]`;
  });
  assert.match(problemOf(`${levels.join('\n')}\notherwise: { text: a }`), /alias/i);
});

test('the script in the documentation plays', () => {
  const page = readFileSync(new URL('../../../docs/scripted-model.md', import.meta.url), 'utf8');
  const script = /```yaml\n(description:[\s\S]*?)```/.exec(page)?.[1];
  assert.ok(script);
  const parsed = parseScript(script, 'scripted-model.md');
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.equal(parsed.script.rules.length, 3);
});

import type { Script } from '@openlegion/contract/scripted-script';
import { placeholdersIn } from './fill-placeholders.ts';
import { createPattern, type Pattern } from './pattern/pattern.ts';

export type Answer = Script['otherwise'];
export type When = Script['rules'][number]['when'];

export interface CompiledRule {
  when: When;
  user: Pattern | null;
  result: Pattern | null;
  answer: Answer;
}

export interface CompiledScript {
  description: string;
  rules: readonly CompiledRule[];
  otherwise: Answer;
}

interface Fault {
  path: readonly (string | number)[];
  message: string;
  remedy: string;
}

/** Steps of all patterns of a script: with the characters looked at, the bound on the work of one request. */
const MOST_PATTERN_STEPS = 10_000;

/** Compiles the patterns and checks what the schema cannot: rules that can never match, placeholders without a value. */
export function compileScript(
  script: Script,
): { ok: true; script: CompiledScript } | { ok: false; fault: Fault } {
  const rules: CompiledRule[] = [];
  let steps = 0;
  for (const [index, { when, answer }] of script.rules.entries()) {
    const path = ['rules', index];
    if (when.user !== undefined && (when.tool !== undefined || when.result !== undefined))
      return {
        ok: false,
        fault: {
          path: [...path, 'when', 'user'],
          message: 'the newest message is the user’s or a tool’s result, never both: this rule cannot match',
          remedy: 'Make two rules of it',
        },
      };
    const patterns: { user: Pattern | null; result: Pattern | null } = { user: null, result: null };
    for (const key of ['user', 'result'] as const) {
      const written = when[key];
      if (written === undefined) continue;
      try {
        patterns[key] = createPattern(written);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        return {
          ok: false,
          fault: {
            path: [...path, 'when', key],
            message: error.message,
            remedy: 'Scripts take expressions that run in linear time: see docs/scripted-model.md',
          },
        };
      }
      steps += patterns[key]?.size ?? 0;
      if (steps > MOST_PATTERN_STEPS)
        return {
          ok: false,
          fault: {
            path: [...path, 'when', key],
            message: `the expressions up to here are over ${MOST_PATTERN_STEPS} steps together`,
            remedy: 'Use plain text where no expression is needed, or fewer counted repeats',
          },
        };
    }
    const fault = answerFault(answer, [...path, 'answer'], (patterns.user ?? patterns.result)?.groups ?? 0);
    if (fault) return { ok: false, fault };
    rules.push({ when, ...patterns, answer });
  }
  const fault = answerFault(script.otherwise, ['otherwise'], 0);
  if (fault) return { ok: false, fault };
  return { ok: true, script: { description: script.description, rules, otherwise: script.otherwise } };
}

const NAMES = ['user', 'result', 'system', 'round'];

function answerFault(answer: Answer, path: Fault['path'], groups: number): Fault | null {
  const { text, reasoning, calls, error } = answer;
  if (text === undefined && reasoning === undefined && error === undefined && !calls?.length)
    return { path, message: 'this answers nothing', remedy: 'Give it text, calls or error (text may be "")' };
  if (answer.verbatim) return null;
  for (const [key, value] of [
    ['text', text],
    ['reasoning', reasoning],
    ['calls', calls],
    ['error', error],
  ] as const) {
    for (const name of placeholdersIn(value)) {
      if (NAMES.includes(name)) continue;
      if (/^[0-9]+$/.test(name)) {
        if (Number(name) <= groups) continue;
        return {
          path: [...path, key],
          message: `{{${name}}} asks for a group that the rule's expression does not have`,
          remedy: groups === 0 ? 'Only a /regular (expression)/ has groups' : `It has ${groups}`,
        };
      }
      return {
        path: [...path, key],
        message: `there is no placeholder {{${name}}}`,
        remedy: `Known: ${NAMES.map((known) => `{{${known}}}`).join(', ')}, {{1}} …`,
      };
    }
  }
  return null;
}

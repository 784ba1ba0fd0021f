import type { z } from 'zod';
import { nearestName } from './nearest-name.ts';
import { schemaKeysAt } from './schema-keys.ts';

export interface Explained {
  path: readonly PropertyKey[];
  message: string;
  remedy: string;
}

/** One finding of the schema, for a person: what is wrong where, and what to write instead. */
export function explainIssue(schema: z.ZodType, issue: z.core.$ZodIssue): Explained[] {
  const name = issue.path.length === 0 ? 'the file' : `"${issue.path.map(String).join('.')}"`;
  const one = (message: string, remedy: string): Explained[] => [{ path: issue.path, message, remedy }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(schema, issue.path, key));
    case 'invalid_type':
      return issue.input === undefined
        ? one(`${name} is missing`, `Add it: ${expectation(issue.expected)}.`)
        : one(`${name} is ${kindOf(issue.input)}`, `Write ${expectation(issue.expected)}.`);
    case 'invalid_value':
      return one(`${name} is ${shown(issue.input)}`, `Write one of: ${issue.values.map(String).join(', ')}.`);
    case 'too_small':
      return one(`${name} is too small`, `Write at least ${issue.minimum}${unitOf(issue.origin)}.`);
    case 'too_big':
      return one(`${name} is too large`, `Write at most ${issue.maximum}${unitOf(issue.origin)}.`);
    case 'invalid_key':
      return one(
        `${name} is not a usable name: ${issue.issues.map((inner) => inner.message).join('; ')}`,
        'Rename it.',
      );
    case 'invalid_format':
      return one(`${name} is ${shown(issue.input)}`, `Write ${formatRemedy(issue)}.`);
    default:
      return one(`${name}: ${issue.message}`, 'Correct the value; docs/configuration.md shows the forms.');
  }
}

function unknownKey(schema: z.ZodType, path: readonly PropertyKey[], key: string): Explained {
  const known = schemaKeysAt(schema, path);
  const near = nearestName(key, known);
  return {
    path: [...path, key],
    message: `unknown key "${key.slice(0, 100)}"`,
    remedy: near === null ? `Remove it; known here: ${known.join(', ')}.` : `Did you mean "${near}"?`,
  };
}

function expectation(expected: string): string {
  const words: Record<string, string> = {
    object: 'a map (key: value)',
    record: 'a map (key: value)',
    array: 'a list',
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return words[expected] ?? expected;
}

function kindOf(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a map';
  return shown(input);
}

function shown(input: unknown): string {
  if (typeof input === 'string') return `"${input.slice(0, 60)}"`;
  return input === null || typeof input !== 'object' ? String(input) : 'not a single value';
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

function formatRemedy(issue: z.core.$ZodIssue & { code: 'invalid_format' }): string {
  if (issue.format === 'url') return 'an address that starts with http:// or https://';
  return issue.message.startsWith('Invalid')
    ? 'it in the form that docs/configuration.md shows'
    : issue.message;
}

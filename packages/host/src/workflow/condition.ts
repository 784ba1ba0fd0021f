import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import type { OutputSchema } from '@openlegion/contract/workflow';
import { celTypeOf, celValueOf, isLongList } from './cel-values.ts';

/** A variable of a condition: a step with the schema of its result, or `inputs` and `trigger`. */
export type Scope = ReadonlyMap<string, OutputSchema>;

export interface Condition {
  /** The variables it reads. */
  names: ReadonlySet<string>;
  /** Never throws. An error is not false: it says what could not be read or compared. */
  evaluate(
    values: ReadonlyMap<string, unknown>,
  ): { ok: true; value: boolean } | { ok: false; message: string };
}

/** `at` counts characters of the condition from 0. */
export type CheckedCondition =
  | { ok: true; condition: Condition }
  | { ok: false; message: string; at: number; remedy: string };

const LIMITS = {
  maxAstNodes: 200,
  maxDepth: 24,
  maxListElements: 100,
  maxMapEntries: 20,
  maxCallArguments: 4,
};
const OPTIONS = { enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits: LIMITS };
/** They go through a list: one within another would take time by the product of both. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const FUNCTIONS = new Set([
  ...MACROS,
  ...['size', 'has', 'contains', 'startsWith', 'endsWith', 'int', 'double', 'string', 'bool'],
  ...['orValue', 'hasValue'],
]);
/** Of a list that one of the macros may be used near. */
const MOST_LIST = 1000;

/**
 * Parses and type-checks a condition in CEL. Refused: what is not of type bool, variables that are not in scope,
 * fields that the schema does not have, functions beyond a short list (`matches` among them: it backtracks), a macro
 * in another, and more than `LIMITS` of anything. Whole and other numbers may be compared and reckoned with each
 * other, which CEL alone would refuse.
 */
export function checkCondition(text: string, scope: Scope): CheckedCondition {
  const typed = environment(false);
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment(true).parse(text);
  } catch (error) {
    return explain(error, scope);
  }
  const uses: Uses = { names: new Set(), iterates: false };
  const refused = walk(parsed.ast, uses, new Set());
  if (refused) return { ok: false, ...refused };
  for (const name of uses.names) {
    const schema = scope.get(name);
    if (schema) typed.registerVariable(name, celTypeOf(schema));
  }
  const { valid, type, error } = typed.check(text);
  if (!valid) return explain(error, scope);
  if (type !== 'bool' && type !== 'dyn')
    return {
      ok: false,
      message: `the condition is ${type}, not true or false`,
      at: 0,
      remedy: 'Compare it with something.',
    };
  return { ok: true, condition: conditionOf(parsed, uses, scope) };
}

function conditionOf(
  parsed: (context: Record<string, unknown>) => unknown,
  uses: Uses,
  scope: Scope,
): Condition {
  const names = new Set([...uses.names].filter((name) => scope.has(name)));
  return {
    names,
    evaluate(values) {
      const context: Record<string, unknown> = Object.create(null);
      for (const name of names) {
        const value = values.get(name) ?? null;
        if (uses.iterates && isLongList(value, MOST_LIST))
          return {
            ok: false,
            message: `${name} has a list of more than ${MOST_LIST} entries, too long for a condition with a loop`,
          };
        context[name] = celValueOf(value, scope.get(name));
      }
      try {
        const value = parsed(context);
        if (typeof value === 'boolean') return { ok: true, value };
        return { ok: false, message: 'the condition came out as neither true nor false' };
      } catch (error) {
        return { ok: false, message: summaryOf(error) };
      }
    },
  };
}

/** Evaluation is dynamic: a result that lacks a field is an error of that run, told in words. */
function environment(unlistedVariablesAreDyn: boolean): Environment {
  const made = new Environment({ ...OPTIONS, unlistedVariablesAreDyn });
  const mixed: [string, (a: number, b: number) => number | boolean][] = [
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
    ['*', (a, b) => a * b],
    ['/', (a, b) => a / b],
  ];
  for (const [operator, run] of mixed)
    for (const types of [`int ${operator} double`, `double ${operator} int`])
      made.registerOperator(`${types}: double`, (a: unknown, b: unknown) => run(Number(a), Number(b)));
  made.registerOperator('int == double: bool', (a: unknown, b: unknown) => Number(a) === Number(b));
  return made;
}

interface Uses {
  names: Set<string>;
  iterates: boolean;
}
type Refused = { message: string; at: number; remedy: string };

function walk(node: ASTNode, uses: Uses, bound: ReadonlySet<string>): Refused | null {
  const within = (nodes: readonly ASTNode[], names = bound): Refused | null => {
    for (const inner of nodes) {
      const refused = walk(inner, uses, names);
      if (refused) return refused;
    }
    return null;
  };
  switch (node.op) {
    case 'value':
      return null;
    case 'id':
      if (!bound.has(node.args)) uses.names.add(node.args);
      return null;
    case '.':
    case '.?':
      return within([node.args[0]]);
    case 'call':
      return refusedCall(node.args[0], node) ?? within(node.args[1]);
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const refused = refusedCall(name, node) ?? within([receiver]);
      if (refused || !MACROS.has(name)) return refused ?? within(args);
      if (bound.size > 0)
        return {
          message: `${name}() within another loop`,
          at: node.start,
          remedy: 'Use one loop at a time.',
        };
      uses.iterates = true;
      const [variable, ...body] = args;
      return within(body, new Set(variable?.op === 'id' ? [variable.args] : ['']));
    }
    case 'map':
      return within(node.args.flat());
    case '!_':
    case '-_':
      return within([node.args]);
    default:
      return within(node.args);
  }
}

function refusedCall(name: string, node: ASTNode): Refused | null {
  if (FUNCTIONS.has(name)) return null;
  const remedy =
    name === 'matches'
      ? 'Use contains(), startsWith() or endsWith(): patterns can take for ever.'
      : `Usable are ${[...FUNCTIONS].join(', ')}.`;
  return { message: `${name.slice(0, 100)}() cannot be used in a condition`, at: node.start, remedy };
}

function explain(error: unknown, scope: Scope): CheckedCondition {
  const message = summaryOf(error);
  const at = rangeStart(error);
  let remedy = 'Correct the condition; docs/workflows.md shows the forms.';
  if (message.startsWith('Unknown variable'))
    remedy = `Only steps that this one depends on can be read: ${[...scope.keys()].join(', ')}.`;
  else if (/'double' and 'int'|double in list<int>/.test(message))
    remedy = 'Write the number as 0.0, 5.0 and so on.';
  else if (message.startsWith('No such key')) remedy = 'Use a field of the output_schema, or add it there.';
  else if (message.startsWith('Exceeded')) remedy = 'Make it shorter, or decide in a step of its own.';
  return { ok: false, message, at, remedy };
}

function summaryOf(error: unknown): string {
  if (error instanceof Error && 'summary' in error && typeof error.summary === 'string')
    return error.summary.slice(0, 300);
  return 'the condition cannot be evaluated';
}

function rangeStart(error: unknown): number {
  const range = error instanceof Error && 'range' in error ? error.range : null;
  return typeof range === 'object' && range !== null && 'start' in range && typeof range.start === 'number'
    ? range.start
    : 0;
}

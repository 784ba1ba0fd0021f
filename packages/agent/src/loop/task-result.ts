import { JsonValue } from '@openlegion/contract/json-value';
import { z } from 'zod';
import { Promotion } from '../history/entry.ts';
import { LOOP_LIMITS } from './limits.ts';
import { parseJsonAnswer, parseWholeJson } from './parse-json-answer.ts';

export type TaskResult =
  | { ok: true; result: JsonValue; promotions: Promotion[] }
  | { ok: false; problem: string };

const MAX_PROMOTIONS = 50;

/**
 * The result that the last answer of a task states: one JSON value that fits `outputSchema` (any, where that is
 * null), or `{"result": …, "promote": {"key": …}}` around it. Without a schema an answer that is no JSON is a result
 * as the text that it is. `problem` is for the model to read.
 */
export function readTaskResult(text: string, outputSchema: JsonValue): TaskResult {
  const found = parseJsonAnswer(text);
  // Prose may hold what looks like a value: that somebody asks for entries of the blackboard cannot be by chance.
  const meant = outputSchema !== null || Promoting.safeParse(found).success;
  const parsed = meant ? found : parseWholeJson(text);
  if (parsed === undefined && outputSchema === null) return fits(text.trim(), {});
  if (parsed === undefined) return { ok: false, problem: 'the answer is not one JSON value' };
  const value = JsonValue.safeParse(parsed);
  if (!value.success) return { ok: false, problem: 'the answer is nested too deeply' };
  const schema = schemaOf(outputSchema);
  const wrapped = Wrapped.safeParse(value.data);
  const inner = wrapped.success ? problemOf(schema, wrapped.data.result) : 'not wrapped';
  if (wrapped.success && inner === undefined) return fits(wrapped.data.result, wrapped.data.promote);
  const whole = problemOf(schema, value.data);
  if (whole === undefined) return fits(value.data, {});
  return { ok: false, problem: wrapped.success ? `result: ${inner}` : whole };
}

const Promoting = z.strictObject({ result: JsonValue, promote: z.record(z.string(), JsonValue) });
const Wrapped = z.strictObject({
  result: JsonValue,
  promote: z.record(z.string(), JsonValue).default({}),
});

function fits(result: JsonValue, promote: Readonly<Record<string, JsonValue>>): TaskResult {
  const promotions = Object.entries(promote).map(([key, value]) => ({ key, value }));
  if (promotions.length > MAX_PROMOTIONS)
    return { ok: false, problem: `promote has more than ${MAX_PROMOTIONS} keys` };
  if (!z.array(Promotion).safeParse(promotions).success)
    return { ok: false, problem: 'a key of promote is empty or longer than 512 characters' };
  if (JSON.stringify({ result, promotions }).length > LOOP_LIMITS.resultChars) {
    return {
      ok: false,
      problem: `it is longer than ${LOOP_LIMITS.resultChars} characters: keep the bulk in a file or an artifact and name it`,
    };
  }
  return { ok: true, result, promotions };
}

/** Undefined where anything fits, and where the schema is none that can be held to: whoever gave it checks again. */
function schemaOf(outputSchema: JsonValue): z.ZodType | undefined {
  if (typeof outputSchema !== 'object' || outputSchema === null || Array.isArray(outputSchema))
    return undefined;
  try {
    return z.fromJSONSchema(outputSchema);
  } catch {
    return undefined;
  }
}

function problemOf(schema: z.ZodType | undefined, value: JsonValue): string | undefined {
  const parsed = schema?.safeParse(value);
  if (parsed === undefined || parsed.success) return undefined;
  return parsed.error.issues
    .slice(0, 10)
    .map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`)
    .join('; ')
    .slice(0, 1000);
}

import { JsonValue } from '@openlegion/contract/json-value';
import { parseJsonAnswer } from '../loop/parse-json-answer.ts';

/** What came of a task: the JSON that an answer is or holds; otherwise its text. */
export function readResult(answer: string): JsonValue {
  const parsed = JsonValue.safeParse(parseJsonAnswer(answer));
  return parsed.success ? parsed.data : answer;
}

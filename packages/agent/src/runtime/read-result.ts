import { JsonValue } from '@openlegion/contract/json-value';

/** What came of a task: the JSON that an answer is, in a fence of Markdown or without one; otherwise its text. */
export function readResult(answer: string): JsonValue {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(answer)?.[1];
  try {
    const parsed = JsonValue.safeParse(JSON.parse(fenced ?? answer));
    return parsed.success ? parsed.data : answer;
  } catch {
    return answer;
  }
}

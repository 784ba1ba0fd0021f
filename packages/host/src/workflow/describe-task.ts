import type { JsonValue } from '@openlegion/contract/json-value';
import type { TaskDetails } from '../tasks/task-details.ts';
import { parseBoundedJson } from './bounded-json.ts';
import type { StepTask } from './step-dispatch.ts';

/** A step in words, for its agent's lane. The same for the same attempt. */
export function describeTask({ workflow, step, taskType, description }: StepTask): string {
  const what = `Do the task ${taskType}: the step ${step} of the workflow ${workflow}.`;
  return description === '' ? what : `${what}\n${description}`;
}

/** The rest of it, for task mode. */
export function detailsOf({ taskType, input, context, outputSchema }: StepTask): TaskDetails {
  const before = Object.keys(context).length === 0 ? null : context;
  return { type: taskType, input: plain(input), context: plain(before), outputSchema: plain(outputSchema) };
}

function plain(value: unknown): JsonValue {
  const parsed = parseBoundedJson(value === undefined ? null : JSON.parse(JSON.stringify(value)));
  return parsed.ok ? parsed.value : null;
}

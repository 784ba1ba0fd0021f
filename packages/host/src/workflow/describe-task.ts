import type { StepTask } from './step-dispatch.ts';

/** A step as its agent reads it: what to do, with what, and what the answer is held to. The same for the same attempt. */
export function describeTask({ workflow, step, taskType, input, context, outputSchema }: StepTask): string {
  const parts = [`Task ${taskType} (step ${step} of the workflow ${workflow}).`];
  if (input !== null && input !== undefined) parts.push(`Input:\n${JSON.stringify(input)}`);
  if (Object.keys(context).length > 0)
    parts.push(`What the steps before it came to:\n${JSON.stringify(context)}`);
  if (outputSchema !== undefined)
    parts.push(`Answer with JSON alone, of this schema:\n${JSON.stringify(outputSchema)}`);
  return parts.join('\n\n');
}

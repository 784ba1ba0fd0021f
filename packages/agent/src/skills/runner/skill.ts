/*
 * `openlegion/skill`: what a tool of an operator or of the agent itself is written with. It is loaded in the process
 * that such a tool runs in, and nowhere else.
 */
import { z } from 'zod';

export { z };

export interface SkillTool<Schema extends z.ZodType = z.ZodType> {
  /** Lower case letters, digits and `_`, at most 64; none of the agent's own tools. */
  name: string;
  /** For the model: what it does and when to use it. At most 1,024 characters of it are shown. */
  description: string;
  schema: Schema;
  /** A string is the result as it is, anything else as JSON. What it throws is told to the model. */
  run(input: z.output<Schema>): unknown;
}

const DEFINED = Symbol.for('openlegion.skill.tool');

/** Marks an exported value as a tool. A module may export several. */
export function defineTool<Schema extends z.ZodType>(tool: SkillTool<Schema>): SkillTool<Schema> {
  return Object.freeze({ ...tool, [DEFINED]: true });
}

/** The tools among the exports of a module, in order of their exported names. */
export function definedTools(exports: object): SkillTool[] {
  return Object.values(exports).filter((value): value is SkillTool => isDefined(value));
}

function isDefined(value: unknown): boolean {
  return typeof value === 'object' && value !== null && DEFINED in value;
}

import { z } from 'zod';
import { boundDefinition } from '../mcp/bound-definition.ts';
import { runSkillProcess, type SkillProcess } from './run-skill-process.ts';

const START_MS = 15_000;
const MODULE_MS = 2000;
const ANSWER_BYTES = 1024 * 1024;
const MAX_TOOLS = 20;

export interface DescribedTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

/** What a module says of itself, or why it says nothing that can be used. */
export type DescribedModule = { tools: DescribedTool[] } | { problem: string };

const Answer = z.union([
  z.strictObject({ begin: z.string() }),
  z.strictObject({
    tools: z
      .array(z.object({ name: z.unknown(), description: z.unknown(), inputSchema: z.unknown() }))
      .max(MAX_TOOLS, `it defines more than ${MAX_TOOLS} tools`),
  }),
  z.strictObject({ problem: z.string() }),
]);

export type DescribeSkills = (files: readonly string[]) => Promise<Map<string, DescribedModule>>;

/**
 * Loads each module in a process apart and takes down which tools it defines. One that hangs, ends its process or
 * answers too much costs its own tools alone: the rest are asked again without it.
 */
export function createDescribeSkills(place: SkillProcess): DescribeSkills {
  return async (files) => {
    const described = new Map<string, DescribedModule>();
    let left = [...files];
    while (left.length > 0) {
      const { answers, cut } = await runSkillProcess(
        place,
        { describe: left },
        {
          timeoutMs: START_MS + MODULE_MS * left.length,
          maxBytes: ANSWER_BYTES,
          signal: new AbortController().signal,
        },
      );
      const stuckAt = takeDown(answers, left, described);
      const stuck = left.find((file) => file === stuckAt) ?? left[0];
      left = left.filter((file) => !described.has(file));
      if (left.length === 0 || stuck === undefined) break;
      if (!described.has(stuck))
        described.set(stuck, { problem: cut ?? 'it ended its process while it was loaded' });
      left = left.filter((file) => file !== stuck);
    }
    return described;
  };
}

/** The module that was begun and not answered for, if there is one. */
function takeDown(
  answers: unknown[],
  files: readonly string[],
  into: Map<string, DescribedModule>,
): string | undefined {
  let current: string | undefined;
  for (const raw of answers) {
    const answer = Answer.safeParse(raw);
    if (answer.success && 'begin' in answer.data) {
      current = files.includes(answer.data.begin) ? answer.data.begin : undefined;
      continue;
    }
    // What a module says after its answer was taken is of no one.
    if (current === undefined) continue;
    into.set(
      current,
      answer.success ? readAnswer(answer.data) : { problem: 'what it says of itself cannot be read' },
    );
    current = undefined;
  }
  return current;
}

function readAnswer(answer: z.infer<typeof Answer>): DescribedModule {
  if ('problem' in answer) return { problem: answer.problem.slice(0, 2000) };
  if (!('tools' in answer)) return { problem: 'it says nothing of itself' };
  if (answer.tools.length === 0)
    return { problem: 'it exports no tool: export const name = defineTool({…})' };
  const tools: DescribedTool[] = [];
  for (const { name, description, inputSchema } of answer.tools) {
    if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,63}$/.test(name))
      return {
        problem: `${JSON.stringify(String(name).slice(0, 80))} is no name of a tool: lower case letters, digits and _`,
      };
    const bounded = boundDefinition(description, inputSchema);
    if (!bounded.ok) return { problem: `${name}: ${bounded.problem}` };
    tools.push({ name, description: bounded.description, inputSchema: bounded.inputSchema });
  }
  return { tools };
}

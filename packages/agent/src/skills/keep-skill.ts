import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ToolResult } from '../tools/tool.ts';
import type { SkillRegistry } from './create-skill-registry.ts';

const MAX_OWN = 50;

/**
 * Writes a module of the agent's own and loads it. One that cannot be used is taken back, and what was there before
 * stays; the answer says why.
 */
export async function keepIfUsable(options: {
  directory: string;
  name: string;
  code: string;
  registry: SkillRegistry;
}): Promise<ToolResult> {
  const { directory, name, code, registry } = options;
  const path = `${name}.ts`;
  const file = `${directory}/${path}`;
  const { tools } = await registry.refresh();
  const others = new Set(
    tools.flatMap((tool) => (tool.root === 'own' && tool.path !== path ? [tool.path] : [])),
  );
  if (others.size >= MAX_OWN)
    return {
      outcome: 'refused',
      output: `you have ${others.size} custom tools of your own; ${MAX_OWN} are the limit: change one of them`,
    };
  await mkdir(directory, { recursive: true });
  const before = await readFile(file).catch(() => null);
  await put(file, code);
  const skills = await registry.refresh();
  const made = skills.tools.filter((tool) => tool.root === 'own' && tool.path === path);
  if (made.length > 0)
    return {
      outcome: 'ok',
      output: `kept as ${file}; it defines: ${made.map((tool) => tool.name).join(', ')}`,
    };
  const problem =
    skills.problems.find((one) => one.root === 'own' && one.path === path)?.problem ?? 'it was not loaded';
  if (before === null) await rm(file, { force: true });
  else await put(file, before);
  await registry.refresh();
  return {
    outcome: 'error',
    output: `not kept${before === null ? '' : ', the version before it stays'}: ${problem}`,
  };
}

async function put(file: string, content: string | Buffer): Promise<void> {
  const next = `${file}.new`;
  await writeFile(next, content);
  await rename(next, file);
}

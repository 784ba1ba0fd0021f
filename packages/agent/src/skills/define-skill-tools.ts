import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { SkillRegistry, Skills } from './create-skill-registry.ts';

const CODE_CHARS = 200_000;

/** What the tools about skills need; it is loaded with their first call. */
export interface SkillStore {
  /** /data/skills. */
  directory: string;
  registry(): Promise<SkillRegistry>;
}

/** `create_skill`, `list_custom_skills`, `reload_skills`, `read_skill`. */
export function defineSkillTools(store: SkillStore): AnyTool[] {
  return [createSkill(store), listSkills(store), reloadSkills(store), readSkill(store)];
}

function createSkill({ directory, registry }: SkillStore): AnyTool {
  return defineTool({
    name: 'create_skill',
    description: [
      'Write a tool of your own, or a new version of one, as a TypeScript module. It can be called in the next round, if its name was granted to you, and runs in your container. Example:',
      "import { defineTool, z } from 'openlegion/skill';",
      "export const countWords = defineTool({ name: 'count_words', description: 'Count the words of a text.', schema: z.object({ text: z.string() }), run: async ({ text }) => ({ words: text.split(/\\s+/).length }) });",
      'It may import what Node has (node:fs, fetch goes through the proxy); types are stripped, enums are not allowed.',
    ].join('\n'),
    schema: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,63}$/)
        .describe('Name of the file, without .ts.'),
      code: z.string().min(1).max(CODE_CHARS).describe('The whole module.'),
    }),
    run: async ({ name, code }) => {
      const { keepIfUsable } = await import('./keep-skill.ts');
      return keepIfUsable({ directory: `${directory}/own`, name, code, registry: await registry() });
    },
  });
}

function listSkills({ registry }: SkillStore): AnyTool {
  return defineTool({
    name: 'list_custom_skills',
    description:
      'List the custom tools and instruction packs that you have: those of the operator and those that you wrote, and what cannot be used and why.',
    schema: z.strictObject({}),
    run: async () => ({ outcome: 'ok', output: listed(await (await registry()).refresh()) }),
  });
}

function reloadSkills({ registry }: SkillStore): AnyTool {
  return defineTool({
    name: 'reload_skills',
    description:
      'Load every custom tool again. Changed files are noticed by themselves; this helps when something they import from elsewhere has changed.',
    schema: z.strictObject({}),
    run: async () => ({ outcome: 'ok', output: listed(await (await registry()).refresh(true)) }),
  });
}

function readSkill({ directory, registry }: SkillStore): AnyTool {
  return defineTool({
    name: 'read_skill',
    description:
      'Read the instructions of a pack (SKILL.md), or another file of it. Its files lie in the folder that is named first, where exec can run them.',
    schema: z.strictObject({
      name: z.string().max(64).describe('Name of the pack.'),
      file: z.string().max(300).default('SKILL.md').describe('A file below its folder.'),
    }),
    run: async ({ name, file }) => {
      const { packs } = await (await registry()).refresh();
      const pack = packs.find((one) => one.name === name);
      if (pack === undefined)
        return {
          outcome: 'error',
          output: `there is no pack ${name}; there are: ${packs.map((one) => one.name).join(', ') || 'none'}`,
        };
      const { readPackFile } = await import('./read-pack-file.ts');
      const folder = [directory, pack.root, pack.folder].filter((part) => part !== '').join('/');
      return readPackFile(folder, file);
    },
  });
}

export function listed({ tools, packs, problems }: Skills): string {
  const whose = { operator: 'of the operator', own: 'your own' };
  const lines = [
    ...tools.map(
      ({ name, description, root, path }) =>
        `tool ${name} (${whose[root]}, ${path}): ${description.slice(0, 200)}`,
    ),
    ...packs.map(
      ({ name, description, root }) => `pack ${name} (${whose[root]}): ${description.slice(0, 200)}`,
    ),
    ...problems.map(({ root, path, problem }) => `not usable: ${path} (${whose[root]}): ${problem}`),
  ];
  return lines.join('\n') || 'there are none';
}

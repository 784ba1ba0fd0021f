import { z } from 'zod';
import { orRefused } from '../tools/answer-of-mesh.ts';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { ifMissing } from '../workspace/if-missing.ts';
import { type KeepVersion, versionsOf } from '../workspace/keep-version.ts';
import { PROMPT_FILES } from '../workspace/prompt-files.ts';

const WRITABLE = PROMPT_FILES.filter(({ agentWrites }) => agentWrites);
const CAPS = WRITABLE.map(({ name, maxChars }) => `${name} ${maxChars}`).join(', ');
const MOST_CHARS = Math.max(...WRITABLE.map(({ maxChars }) => maxChars));

/** Writes one of the files that the agent keeps for its own prompts. What it held before stays as a version. */
export function createUpdateWorkspace(workspace: Workspace, keep: KeepVersion): AnyTool {
  return defineTool({
    name: 'update_workspace',
    description: `Write a file of notes that is shown to you in every later conversation, or add to its end. At most, in characters: ${CAPS}. Older versions are kept in ${versionsOf('FILE')}. AGENTS.md and SOUL.md are the operator’s, SYSTEM.md is generated.`,
    schema: z.strictObject({
      file: z.enum(WRITABLE.map(({ name }) => name)),
      content: z.string().max(MOST_CHARS),
      append: z.boolean().default(false),
    }),
    run: ({ file, content, append }) =>
      orRefused(async () => {
        const old = await workspace.read(file).catch(ifMissing);
        const before = append && old ? old.toString('utf8').replace(/\n*$/, '\n') : '';
        const text = before + content;
        const { maxChars } = WRITABLE.find(({ name }) => name === file) ?? { maxChars: 0 };
        if (text.length > maxChars) {
          return {
            outcome: 'error',
            output: `${file} would have ${text.length} characters and may have ${maxChars}: nothing was written. Say it in fewer words, drop what is out of date, or keep details with memory_save.`,
          };
        }
        if (old) await keep(file, old);
        await workspace.write(file, Buffer.from(text));
        await keep(file, Buffer.from(text));
        return { outcome: 'ok', output: `${file} has ${text.length} of ${maxChars} characters now` };
      }),
  });
}

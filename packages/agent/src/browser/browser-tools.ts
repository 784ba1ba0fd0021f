import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { actingTools } from './acting-tools.ts';
import type { Browser } from './create-browser.ts';
import { readingTools } from './reading-tools.ts';
import { createRunAction } from './run-action.ts';

/** All tools of the browser. Which of them an agent is given follows from `allowed_tools` and `browser_actions`. */
export function browserTools(parts: {
  browser: Browser;
  directory: string;
  workspace: Workspace;
}): AnyTool[] {
  const { browser } = parts;
  const run = createRunAction(browser);
  return [
    ...readingTools(run, parts.directory),
    ...actingTools(run, parts.workspace),
    defineTool({
      name: 'browser_reset',
      description:
        'End the browser with all its tabs; the next use starts it anew. Logins are gone, unless its profile is kept.',
      schema: z.strictObject({}),
      run: async () => {
        await browser.reset();
        browser.takeNotes();
        return { outcome: 'ok', output: 'the browser was ended' };
      },
    }),
  ];
}

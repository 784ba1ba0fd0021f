import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { ToolContext, ToolResult } from '../tools/tool.ts';
import { describeProblem } from './browser-problem.ts';
import type { Browser, Tab } from './create-browser.ts';

export type RunAction = (
  context: ToolContext,
  action: (tab: Tab, signal: AbortSignal) => Promise<string | ToolResult>,
) => Promise<ToolResult>;

/**
 * Runs one action of the model on the page in front. What it did is followed by where the page is now and by what
 * happened by itself; what went wrong is a result that says so.
 */
export function createRunAction(browser: Browser): RunAction {
  return async ({ signal }, action) => {
    let place = '';
    try {
      const done = await browser.use(signal, async (tab) => {
        const given = await action(tab, signal);
        place = await placeOf(tab);
        return typeof given === 'string' ? { outcome: 'ok' as const, output: given } : given;
      });
      return { ...done, output: join(done.output, place, browser.takeNotes()) };
    } catch (error) {
      const refused = error instanceof OpenLegionError && error.code === 'denied';
      const problem =
        error instanceof OpenLegionError ? `${error.message} ${error.remedy}` : describeProblem(error);
      return { outcome: refused ? 'refused' : 'error', output: join(problem, '', browser.takeNotes()) };
    }
  };
}

async function placeOf({ page }: Tab): Promise<string> {
  if (page.isClosed()) return '';
  const title = await page.title().catch(() => '');
  return `page: ${title.slice(0, 200)} <${page.url().slice(0, 1000)}>`;
}

function join(text: string, place: string, notes: readonly string[]): string {
  return [text, place, ...notes.map((note) => `note: ${note}`)].filter((line) => line !== '').join('\n');
}

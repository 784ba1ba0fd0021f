import { z } from 'zod';
import { type AnyTool, defineTool } from '../tools/tool.ts';
import type { Workspace } from '../workspace/create-workspace.ts';
import { element, PageUrl, Ref } from './element.ts';
import type { RunAction } from './run-action.ts';

const Key = z.string().min(1).max(50).describe('Such as Enter, Tab, Escape, ArrowDown, a, Control+a.');
/** How long a page may take until a download begins. */
const BEGIN_MS = 15_000;
const Coordinate = z.number().min(0).max(20_000);

/** The tools that do on a page what a person does with mouse and keyboard. */
export function actingTools(run: RunAction, workspace: Workspace): AnyTool[] {
  return [
    defineTool({
      name: 'browser_click',
      description: 'Click an element by its ref, or a place in the window by x and y (a canvas).',
      schema: z
        .strictObject({
          ref: Ref.optional(),
          x: Coordinate.optional(),
          y: Coordinate.optional(),
          button: z.enum(['left', 'right', 'middle']).default('left'),
          double: z.boolean().default(false),
        })
        .refine(
          ({ ref, x, y }) => (ref === undefined ? x !== undefined && y !== undefined : true),
          'ref, or x and y',
        ),
      run: ({ ref, x, y, button, double }, context) =>
        run(context, async ({ page }, signal) => {
          const how = { button, clickCount: double ? 2 : 1 };
          if (ref !== undefined) await (await element(page, ref)).click({ ...how, signal });
          else await page.mouse.click(x ?? 0, y ?? 0, how);
          return 'clicked';
        }),
    }),
    defineTool({
      name: 'browser_type',
      description: 'Put text into a field, in the place of what is in it.',
      schema: z.strictObject({
        ref: Ref,
        text: z.string().max(50_000),
        submit: z.boolean().default(false).describe('Press Enter afterwards.'),
        slowly: z.boolean().default(false).describe('Key by key, for fields that watch them.'),
      }),
      run: ({ ref, text, submit, slowly }, context) =>
        run(context, async ({ page }, signal) => {
          const field = await element(page, ref);
          if (slowly) await field.pressSequentially(text, { signal, timeout: 50_000 });
          else await field.fill(text, { signal });
          if (submit) await field.press('Enter', { signal });
          return 'typed';
        }),
    }),
    defineTool({
      name: 'browser_press',
      description: 'Press a key, on an element or on what has the focus.',
      schema: z.strictObject({ key: Key, ref: Ref.optional() }),
      run: ({ key, ref }, context) =>
        run(context, async ({ page }, signal) => {
          if (ref === undefined) await page.keyboard.press(key);
          else await (await element(page, ref)).press(key, { signal });
          return 'pressed';
        }),
    }),
    defineTool({
      name: 'browser_select',
      description: 'Choose in a drop-down list, by the values or names of its options.',
      schema: z.strictObject({ ref: Ref, values: z.array(z.string().max(500)).min(1).max(50) }),
      run: ({ ref, values }, context) =>
        run(context, async ({ page }, signal) => {
          const chosen = await (await element(page, ref)).selectOption(values, { signal });
          return `chosen: ${chosen.join(', ').slice(0, 1000)}`;
        }),
    }),
    defineTool({
      name: 'browser_scroll',
      description: 'Scroll by pixels, or until an element is in view.',
      schema: z.strictObject({
        ref: Ref.optional(),
        down: z.number().min(-20_000).max(20_000).default(600).describe('Negative is up.'),
        right: z.number().min(-20_000).max(20_000).default(0),
      }),
      run: ({ ref, down, right }, context) =>
        run(context, async ({ page }, signal) => {
          if (ref === undefined) await page.mouse.wheel(right, down);
          else await (await element(page, ref)).scrollIntoViewIfNeeded({ signal });
          return 'scrolled';
        }),
    }),
    defineTool({
      name: 'browser_tabs',
      description: 'List the tabs, put one in front, open one, or close one.',
      schema: z.strictObject({
        action: z.enum(['list', 'select', 'new', 'close']).default('list'),
        index: z
          .int()
          .min(0)
          .max(100)
          .optional()
          .describe('As listed. Of close: the one in front where absent.'),
      }),
      run: ({ action, index }, context) =>
        run(context, async ({ page, context: browser, show }) => {
          const at = index === undefined ? page : browser.pages()[index];
          if (at === undefined || (action === 'select' && index === undefined))
            throw new Error(`there is no such tab; there are ${browser.pages().length}`);
          if (action === 'select') await at.bringToFront();
          if (action === 'select') show(at);
          if (action === 'new') show(await browser.newPage());
          if (action === 'close') await at.close();
          return browser
            .pages()
            .map((tab, number) => `${number}: <${tab.url().slice(0, 500)}>`)
            .join('\n');
        }),
    }),
    defineTool({
      name: 'browser_upload',
      description: 'Give files of the workspace to a file field.',
      schema: z.strictObject({
        ref: Ref,
        paths: z.array(z.string().max(300)).min(1).max(10).describe('In the workspace, at most 16 MiB each.'),
      }),
      run: ({ ref, paths }, context) =>
        run(context, async ({ page }, signal) => {
          const files = await Promise.all(
            paths.map(async (path) => ({
              name: path.slice(path.lastIndexOf('/') + 1),
              mimeType: 'application/octet-stream',
              buffer: await workspace.read(path),
            })),
          );
          await (await element(page, ref)).setInputFiles(files, { signal });
          return `given: ${paths.join(', ')}`;
        }),
    }),
    defineTool({
      name: 'browser_download',
      description:
        'Download what a link or button gives, or what an address offers, with the logins of the browser. It goes to downloads/ in the workspace.',
      schema: z
        .strictObject({ ref: Ref.optional(), url: PageUrl.optional() })
        .refine(({ ref, url }) => (ref === undefined) !== (url === undefined), 'either ref or url'),
      timeoutMs: 180_000,
      run: ({ ref, url }, context) =>
        run(context, async (tab, signal) => {
          const { began, saved } = tab.nextDownload();
          if (ref !== undefined) await (await element(tab.page, ref)).click({ signal });
          else {
            const shown = await tab.page.goto(url ?? '', { signal, waitUntil: 'commit' }).then(
              () => true,
              (error: unknown) => {
                if (!String(error).includes('Download is starting')) throw error;
                return false;
              },
            );
            if (shown)
              throw new Error('the address shows a page and offers no download: take a snapshot of it');
          }
          const late = tab.page.waitForTimeout(BEGIN_MS).then(() => 'late' as const);
          if ((await Promise.race([began, late])) === 'late')
            throw new Error(`no download began within ${BEGIN_MS / 1000} s`);
          return saved;
        }),
    }),
  ];
}

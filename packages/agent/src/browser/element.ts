import { z } from 'zod';
import type { Locator, Page } from './driver.ts';

/** `e12`, or `f1e3` within a frame, as the last snapshot named it. */
export const Ref = z
  .string()
  .regex(/^(?:f[0-9]{1,4})*e[0-9]{1,6}$/, 'a ref of the last snapshot, such as e12')
  .describe('The ref of an element in the last snapshot, such as e12.');

/** Throws where the page no longer has it: waiting for it, as drivers do, would be in vain. */
export async function element(page: Page, ref: string): Promise<Locator> {
  const found = page.locator(`aria-ref=${ref}`);
  if ((await found.count()) > 0) return found;
  throw new Error(`there is no ${ref} on the page as it is now: take a new browser_snapshot`);
}

/** Where a browser may go: files of the container and pages of the browser itself are no pages to work with. */
export const PageUrl = z
  .string()
  .max(8192)
  .refine((text) => {
    const { protocol } = URL.parse(text) ?? {};
    return protocol === 'http:' || protocol === 'https:' || text === 'about:blank';
  }, 'an http or https address')
  .describe('https://… or http://…');

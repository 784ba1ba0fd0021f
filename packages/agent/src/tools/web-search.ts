import { z } from 'zod';
import { orRefused } from './answer-of-mesh.ts';
import { PAGE_BYTES, readPage } from './read-page.ts';
import type { SendOutside } from './send-outside.ts';
import { type AnyTool, defineTool } from './tool.ts';

const SEARCH = new URL('https://html.duckduckgo.com/html/');
const MAX_RESULTS = 10;
const CHARS = 500;

/** Searches the web at DuckDuckGo's page for browsers without scripts, which takes no key. */
export function createWebSearch(send: SendOutside): AnyTool {
  return defineTool({
    name: 'web_search',
    description:
      'Search the web. Gives titles, addresses and short extracts; what a page says in full is at its address, which must be granted to you.',
    schema: z.strictObject({
      query: z.string().trim().min(1).max(400),
      count: z.int().min(1).max(MAX_RESULTS).default(MAX_RESULTS),
    }),
    run: ({ query, count }, { signal }) =>
      orRefused(async () => {
        const answer = await send(
          {
            method: 'POST',
            url: SEARCH,
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              'user-agent': 'Mozilla/5.0 (compatible; OpenLegion)',
            },
            body: new URLSearchParams({ q: query }).toString(),
          },
          { maxBytes: PAGE_BYTES, signal },
        );
        // Where it takes us for a robot it answers 202 and a puzzle.
        if (answer.status !== 200) {
          const why = answer.status === 202 ? 'it asks for a person' : `it answered ${answer.status}`;
          return { outcome: 'error', output: `DuckDuckGo gives no results now: ${why}. Try again later.` };
        }
        const results = (await readPage(answer.body, '.result')).flatMap((result) => {
          const link = result.first('.result__a');
          const url = resultUrl(link?.attribute('href') ?? '');
          if (!link || url === undefined) return [];
          const snippet = result.first('.result__snippet')?.text ?? '';
          return [`${link.text.slice(0, CHARS)}\n${url}\n${snippet.slice(0, CHARS)}`.trimEnd()];
        });
        const shown = results.slice(0, count).map((text, index) => `${index + 1}. ${text}`);
        return { outcome: 'ok', output: shown.join('\n\n') || 'nothing was found' };
      }),
  });
}

/** Where a result leads: DuckDuckGo wraps it into a redirect of its own. Advertisements lead nowhere. */
function resultUrl(href: string): string | undefined {
  const link = URL.parse(href, SEARCH.href);
  const target = link?.hostname.endsWith('duckduckgo.com')
    ? URL.parse(link.searchParams.get('uddg') ?? '')
    : link;
  if (!target || !/^https?:$/.test(target.protocol)) return undefined;
  return target.hostname.endsWith('duckduckgo.com') ? undefined : target.href.slice(0, 2000);
}

/* A page on standard input, its address as argument; its text as Markdown on standard output. */
import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import TurndownService from 'turndown';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const url = process.argv[2] ?? '';
const source = Buffer.concat(chunks).toString('utf8');
// Many a page leaves them out, and the parser does not put them there.
const { document } = parseHTML(/<html[\s>]/i.test(source) ? source : `<html><body>${source}</body></html>`);
for (const element of document.querySelectorAll('script, style, noscript, template, iframe, svg'))
  element.remove();
for (const link of document.querySelectorAll('a')) {
  const target = URL.parse(link.getAttribute('href') ?? '', url);
  if (target && /^https?:$/.test(target.protocol)) link.setAttribute('href', target.href);
  else link.removeAttribute('href');
}
const title = document.querySelector('title')?.textContent?.trim();
const whole = document.body?.innerHTML ?? '';
const article = new Readability(document).parse();
const service = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced' });
// Turndown wants a tree: given text it looks for the parser of a browser.
const tree = parseHTML(`<html><body>${article?.content ?? whole}</body></html>`).document;
const head = article?.title || title;
process.stdout.write(`${head ? `# ${head}\n\n` : ''}${service.turndown(tree.body)}`.trim());

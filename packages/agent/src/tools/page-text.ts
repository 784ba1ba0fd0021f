import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A page is read to this. */
const HTML_BYTES = 1024 * 1024;
const TEXT_CHARS = 4 * 1024 * 1024;
const HEAP_MEBIBYTES = 160;
const LONGEST_MS = 20_000;

/**
 * What a person would read of a page, as Markdown: the article where there is one, else the whole body. The parsers
 * run in a process of their own: a page can be made so that they take any time and memory, and must not take the
 * agent's. Such a page is given as its plain text. Rejects when the signal aborts.
 */
export async function pageText(
  html: Buffer,
  url: URL,
  signal: AbortSignal,
  longestMs = LONGEST_MS,
): Promise<string> {
  const source = html.subarray(0, HTML_BYTES);
  const converted = await convert(source, url, AbortSignal.any([signal, AbortSignal.timeout(longestMs)]));
  signal.throwIfAborted();
  return converted ?? plainText(source.toString('utf8'));
}

/** Undefined where the page was too much for the parsers. */
function convert(source: Buffer, url: URL, signal: AbortSignal): Promise<string | undefined> {
  const program = new URL(
    import.meta.url.endsWith('.ts') ? './page-text-main.ts' : '../page-text.js',
    import.meta.url,
  );
  return new Promise((resolve) => {
    const flags = [`--max-old-space-size=${HEAP_MEBIBYTES}`, fileURLToPath(program), url.href];
    const child = spawn(process.execPath, flags, {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
      signal,
      killSignal: 'SIGKILL',
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.length > TEXT_CHARS) child.kill('SIGKILL');
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? text : undefined));
    child.stdin.on('error', () => {});
    child.stdin.end(source);
  });
}

/** Without a parser: each pass goes over the text once, whatever is in it. */
function plainText(source: string): string {
  let text = '';
  let at = 0;
  while (at < source.length) {
    const open = source.indexOf('<', at);
    text += source.slice(at, open === -1 ? source.length : open);
    if (open === -1) break;
    const name = /^<(script|style)\b/i.exec(source.slice(open, open + 8))?.[1];
    const end = source.indexOf(name === undefined ? '>' : `</${name}`, open);
    if (end === -1) break;
    text += ' ';
    at = end + (name === undefined ? 1 : 0);
  }
  return text
    .replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES.get(name) ?? ' ')
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['#39', "'"],
]);

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

const DOTS_A_LINE = 100;

/** A node:test reporter for logs: a dot a test, and each failure whole as soon as it is known, not at the end. */
export async function* dotReporter(source: AsyncIterable<TestEvent>) {
  let dots = 0;
  for await (const event of source) {
    if (event.type === 'test:pass') yield ++dots % DOTS_A_LINE === 0 ? '.\n' : '.';
    else if (event.type === 'test:fail') yield failure(event.data);
    else if (event.type === 'test:stderr') yield `\n${event.data.message}`;
  }
  yield '\n';
}

function failure({ file, name, details }: Extract<TestEvent, { type: 'test:fail' }>['data']): string {
  const place = file ? relative(process.cwd(), file) : '';
  return `\nfailed ${place}: ${name} (${Math.round(details.duration_ms)} ms)\n${inspect(details.error.cause ?? details.error)}\n`;
}

// biome-ignore lint/style/noDefaultExport: node --test-reporter loads the default export.
export default dotReporter;

import type { TestEvent } from 'node:test/reporters';

/** A node:test reporter that counts tests (not suites) and prints one line of JSON at the end. */
export async function* countReporter(source: AsyncIterable<TestEvent>) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details.type === 'suite') continue;
    if (event.type === 'test:fail') counts.failed += 1;
    else if (event.data.skip !== undefined && event.data.skip !== false) counts.skipped += 1;
    else counts.passed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}

// biome-ignore lint/style/noDefaultExport: node --test-reporter loads the default export.
export default countReporter;

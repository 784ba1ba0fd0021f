/**
 * What may be printed of an error nobody expected: its class, code and places in the source, never its message,
 * which may quote a credential. A refusal's own message is safe, but one that got here is a fault, so it gets no
 * exception.
 */
export function describeCrash(error: unknown): string {
  if (!(error instanceof Error)) return `crashed: a thrown ${typeof error}`;
  const code = 'code' in error && /^[A-Z][A-Z0-9_]{0,60}$/.test(String(error.code)) ? ` ${error.code}` : '';
  // The stack repeats the message above its frames; only lines of our own shape are kept.
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at [^'"`{}]{1,300}:\d+:\d+\)?$/.test(line));
  const name = /^[A-Za-z]{1,60}$/.test(error.name) ? error.name : 'Error';
  return [`crashed: ${name}${code}`, ...frames.slice(0, 10)].join('\n');
}

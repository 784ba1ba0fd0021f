/**
 * Whether `granted`, in the order that the host sent it, gives a tool that only the agent knows: its own name decides,
 * else the first pattern that covers it; `!` before an entry takes it away. `*` stands for any characters but `/`,
 * which no name has.
 */
export function isGranted(granted: readonly string[], name: string): boolean {
  return grantingEntry(granted, name) !== undefined;
}

/** The entry of `granted` that gives the tool: its own name, or the pattern. */
export function grantingEntry(granted: readonly string[], name: string): string | undefined {
  if (granted.includes(`!${name}`)) return undefined;
  if (granted.includes(name)) return name;
  const entry = granted.find((pattern) => pattern.includes('*') && covers(pattern.replace(/^!/, ''), name));
  return entry?.startsWith('!') ? undefined : entry;
}

/** Linear in both: each part is looked for from where the last one ended. */
function covers(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split(/\*+/);
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

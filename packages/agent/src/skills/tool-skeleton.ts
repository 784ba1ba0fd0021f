/**
 * Two names with the same skeleton look alike: `list_fi1es` is not told from `list_files`. After Unicode's confusables
 * (UTS #39), of which names of tools, being lower case ASCII, can hold these few.
 */
export function toolSkeleton(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('-', '_')
    .replaceAll(/[1|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');
}

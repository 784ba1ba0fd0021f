import { isDeepStrictEqual } from 'node:util';
import { type Document, isCollection, isMap, isNode, isScalar, parseDocument, stringify } from 'yaml';

interface Change {
  text: string;
  document: Document;
  path: readonly string[];
  value: object | number;
}

/**
 * The text with `value` at the path, on one line, and every other line as it was. Only where the text has no map to put
 * it in (an empty `llm:`) is the document written anew, comments included, by the library,
 * which may move a comment to the next indentation. Throws what the library throws for a path that leads through
 * something else than maps.
 */
export function setInYaml(text: string, path: readonly string[], value: object | number): string {
  const document = parseDocument(text);
  const change = { text, document, path, value };
  const spliced = replaced(change) ?? inserted(change);
  if (spliced !== null && holds(spliced, path, value)) return spliced;
  for (let depth = 1; depth < path.length; depth += 1) {
    const node: unknown = document.getIn(path.slice(0, depth), true);
    const isEmpty = node === undefined || (isScalar(node) && node.value === null);
    if (isEmpty) document.setIn(path.slice(0, depth), document.createNode({}));
  }
  document.setIn(path, document.createNode(value, { flow: true }));
  return document.toString({ lineWidth: 0 });
}

function replaced({ text, document, path, value }: Change): string | null {
  const node: unknown = document.getIn(path, true);
  const fits = typeof value === 'number' ? isScalar(node) : isMap(node) && node.flow === true;
  if (!fits || !isNode(node) || !node.range) return null;
  return text.slice(0, node.range[0]) + flow(value) + text.slice(node.range[1]);
}

/** At the end of the innermost map on the way. */
function inserted({ text, document, path, value }: Change): string | null {
  for (let depth = path.length - 1; depth >= 0; depth -= 1) {
    const map: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (map === undefined) continue;
    if (!isMap(map)) return null;
    if (map.flow === true && map.range && depth === path.length - 1) {
      const brace = text.lastIndexOf('}', map.range[1] - 1);
      const comma = map.items.length > 0 ? ', ' : ' ';
      const key = stringify(path.at(-1)).trim();
      return `${text.slice(0, brace).trimEnd()}${comma}${key}: ${flow(value)} ${text.slice(brace)}`;
    }
    if (map.flow === true) return null;
    const start = startOf(map.items[0]?.key);
    const end = endOf(map);
    if (start === null || end === null) return null;
    const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
    const lines = path.slice(depth).map((key, index, keys) => {
      const name = `${' '.repeat(indent + 2 * index)}${stringify(key).trim()}:`;
      return index === keys.length - 1 ? `${name} ${flow(value)}` : name;
    });
    const lineEnd = text.indexOf('\n', Math.max(0, end - 1));
    const at = lineEnd === -1 ? text.length : lineEnd + 1;
    const before = text.slice(0, at);
    return `${before}${before.endsWith('\n') ? '' : '\n'}${lines.join('\n')}\n${text.slice(at)}`;
  }
  return null;
}

function startOf(node: unknown): number | null {
  return isNode(node) && node.range ? node.range[0] : null;
}

/** Where the last thing in it ends, the comments after that not included. */
function endOf(node: unknown): number | null {
  if (isCollection(node) && node.flow !== true && node.items.length > 0) {
    const last: unknown = node.items.at(-1);
    if (!isMap(node)) return endOf(last);
    const pair = node.items.at(-1);
    return endOf(pair?.value) ?? endOf(pair?.key);
  }
  return isNode(node) && node.range ? node.range[1] : null;
}

function holds(text: string, path: readonly string[], value: object | number): boolean {
  const document = parseDocument(text);
  if (document.errors.length > 0) return false;
  const node: unknown = document.getIn(path);
  if (typeof value === 'number') return node === value;
  return isMap(node) && isDeepStrictEqual(node.toJS(document), JSON.parse(JSON.stringify(value)));
}

function flow(value: object | number): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

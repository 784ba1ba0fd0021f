/** A page is read to this: more is not needed for what is looked for, and its parser takes many times as much. */
export const PAGE_BYTES = 256 * 1024;
const MAX_ELEMENTS = 50;

const PART = String.raw`(?:\*|[a-zA-Z][\w-]*)?(?:#[\w-]+|\.[\w-]+|\[[\w-]+(?:[~^$*|]?="[^"\\\]]{0,200}")?\])*`;
/**
 * CSS selectors that are matched in one pass over a page, however it is nested: elements by name, id, class and
 * attribute, and `>` between them. A page chooses its own depth, so `a b` could be made to take for ever.
 */
export const LINEAR_SELECTOR = new RegExp(String.raw`^(?!\s*$)${PART}(?: ?> ?${PART}){0,7}$`);

export interface PageElement {
  text: string;
  attribute(name: string): string | null;
  first(selector: string): PageElement | undefined;
}

interface DomElement {
  textContent: string | null;
  getAttribute(name: string): string | null;
  querySelector(selector: string): DomElement | null;
}

/** The first 50 elements of a page that `selector` matches. The parser is loaded with its first use. Runs no script. */
export async function readPage(html: Buffer, selector: string): Promise<PageElement[]> {
  const { parseHTML } = await import('linkedom');
  const { document } = parseHTML(html.subarray(0, PAGE_BYTES).toString());
  return [...document.querySelectorAll(selector)].slice(0, MAX_ELEMENTS).map(elementOf);
}

function elementOf(element: DomElement): PageElement {
  return {
    text: (element.textContent ?? '').replaceAll(/\s+/g, ' ').trim(),
    attribute: (name) => element.getAttribute(name),
    first: (selector) => {
      const found = element.querySelector(selector);
      return found ? elementOf(found) : undefined;
    },
  };
}

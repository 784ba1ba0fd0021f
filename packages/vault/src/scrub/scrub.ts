/** Replaces every form of one secret in a stream of bytes. */
export interface Scrubber {
  /** What of the stream so far can be shown. Bytes are held back only while they could be the start of a match. */
  push(chunk: Buffer): Buffer;
  /** What was held back: it is no match, for the stream has ended. */
  end(): Buffer;
}

/**
 * The forms in which an answer could repeat a secret: as it is, URL-encoded (as libraries differ in it, and every byte
 * of it), as a JSON string (also with escaped slashes, or safe for HTML), in HTML, in hex, and in base64 at each of its
 * three alignments, of which the part that does not depend on the neighbours is looked for, in both alphabets.
 */
export function secretForms(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const pairs = hex.match(/../g) ?? [];
  const each = (mark: string): string => pairs.map((pair) => mark + pair).join('');
  const url = encodeURIComponent(secret);
  const strict = url.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const percent = [url, strict, url.replaceAll('%2F', '/'), strict.replaceAll('%2F', '/')];
  const forms = new Set([
    secret,
    ...percent,
    ...percent.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    each('%'),
    each('%').toUpperCase(),
    json,
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&']/g, (mark) => `\\u00${mark.charCodeAt(0).toString(16)}`),
    each('\\u00'),
    html,
    html.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    html.replaceAll('"', '&#34;').replaceAll("'", '&#x27;'),
    hex,
    hex.toUpperCase(),
  ]);
  for (let shift = 0; shift < 3; shift += 1) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Six bits a character: the first ones mix with what comes before, the last one with what comes after.
    const first = Math.ceil((shift * 8) / 6);
    const last = Math.floor(((shift + bytes.length) * 8) / 6);
    const core = encoded.slice(first, last);
    forms.add(core);
    forms.add(core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...forms].map((form) => Buffer.from(form));
}

/**
 * Linear in the stream for given forms; holds back at most the longest of them. A match becomes `[secret]`, or as many
 * asterisks as it had bytes, where a length was told before.
 */
export function createScrubber(forms: readonly Buffer[], mark: 'named' | 'same length' = 'named'): Scrubber {
  // A byte is a character. What only few answers need is made for those alone.
  const searched = forms.map((form): Searched => ({ form: form.toString('latin1'), borders: null }));
  let pattern: RegExp | null = null;
  let held = '';

  return {
    push(chunk) {
      if (searched.length === 0) return chunk;
      const text = held + chunk.toString('latin1');
      let clean = text;
      let end = 0;
      if (searched.some(({ form }) => text.includes(form))) {
        pattern ??= patternOf(searched);
        clean = text.replace(pattern, (match: string, at: number) => {
          end = at + match.length;
          return mark === 'named' ? '[secret]' : '*'.repeat(match.length);
        });
      }
      let kept = 0;
      for (const one of searched) kept = Math.max(kept, overlap(text, end, one));
      if (held === '' && kept === 0 && clean === text) return chunk;
      held = text.slice(text.length - kept);
      return Buffer.from(clean.slice(0, clean.length - kept), 'latin1');
    },
    end() {
      const rest = held;
      held = '';
      return Buffer.from(rest, 'latin1');
    },
  };
}

/**
 * Whether answers can be searched for a secret: long enough to be told from ordinary text, visible ASCII, so that it has
 * one form of each kind, and without a long piece that comes twice, which would make each search of a hostile answer cost
 * as much as the secret is long.
 */
export function isSearchable(secret: string): boolean {
  return /^[!-~]{8,4096}$/.test(secret) && Math.max(...bordersOf(secret)) <= LONGEST_REPEAT;
}

const LONGEST_REPEAT = 64;

/** Knuth, Morris, Pratt: for each beginning of the form, the longest shorter beginning that is also its end. */
function bordersOf(form: string): Uint16Array {
  const borders = new Uint16Array(form.length + 1);
  for (let at = 1, length = 0; at < form.length; at += 1) {
    while (length > 0 && form[at] !== form[length]) length = borders[length] ?? 0;
    if (form[at] === form[length]) length += 1;
    borders[at + 1] = length;
  }
  return borders;
}

interface Searched {
  form: string;
  borders: Uint16Array | null;
}

/** Of the forms that begin together, the longest is tried first. */
function patternOf(searched: readonly Searched[]): RegExp {
  const longestFirst = searched.map(({ form }) => form).sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escaped).join('|'), 'g');
}

/** How many characters at the end of the text, from `start` at the earliest, could be the beginning of the form. */
function overlap(text: string, start: number, searched: Searched): number {
  const { form } = searched;
  // A beginning of the form that the text ends with ends in a character of the form: JSON and events nearly never do.
  if (!form.includes(text.charAt(text.length - 1))) return 0;
  searched.borders ??= bordersOf(form);
  const { borders } = searched;
  let length = 0;
  for (let at = Math.max(start, text.length - form.length + 1); at < text.length; at += 1) {
    while (length > 0 && text[at] !== form[length]) length = borders[length] ?? 0;
    if (text[at] === form[length]) length += 1;
  }
  return length;
}

/**
 * A whole text without the secret, and without what providers leave of it when they quote a refused key
 * (`sk-ab***wxyz`): beginnings of eight characters or more, and the last four behind a mask.
 */
export function scrubText(text: string, secret: string): string {
  const scrubber = createScrubber(secretForms(secret));
  const clean = Buffer.concat([scrubber.push(Buffer.from(text)), scrubber.end()]).toString('utf8');
  const head = escaped(secret.slice(0, 8));
  const tail = escaped(secret.slice(-4));
  return clean
    .replace(new RegExp(`${head}[A-Za-z0-9_-]*`, 'g'), '[secret]')
    .replace(new RegExp(`[A-Za-z0-9_-]{0,64}[*.•…]{2,32}[A-Za-z0-9_-]{0,8}${tail}`, 'g'), '[secret]');
}

function escaped(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (character) => `\\${character}`);
}

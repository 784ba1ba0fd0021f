/** Replaces every form of one secret in a stream of bytes. */
export interface Scrubber {
  /** What of the stream so far can be shown. Bytes are held back only while they could be the start of a match. */
  push(chunk: Buffer): Buffer;
  /** What was held back: it is no match, for the stream has ended. */
  end(): Buffer;
}

const MARK = Buffer.from('[secret]');

/**
 * The forms in which an answer could repeat a secret: as it is, URL-encoded (as libraries differ in it, and every byte
 * of it), as a JSON string (also with escaped slashes, or safe for HTML), in HTML, in hex, and in base64 at each of its
 * three alignments, of which the part that does not depend on the neighbours is looked for, in both alphabets.
 */
export function secretForms(secret: string): Buffer[] {
  const bytes = Buffer.from(secret);
  const each = (mark: string): string =>
    [...bytes].map((byte) => mark + byte.toString(16).padStart(2, '0')).join('');
  const url = encodeURIComponent(secret);
  const strict = url.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const percent = [
    url,
    strict,
    url.replaceAll('%2F', '/'),
    strict.replaceAll('%2F', '/'),
    each('%').toUpperCase(),
  ];
  const forms = new Set([
    secret,
    ...percent,
    ...percent.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    json,
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&']/g, (mark) => `\\u00${mark.charCodeAt(0).toString(16)}`),
    each('\\u00'),
    html,
    html.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    html.replaceAll('"', '&#34;').replaceAll("'", '&#x27;'),
    each(''),
    each('').toUpperCase(),
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
  const searched = forms.map((form) => ({ form, borders: bordersOf(form) }));
  let held: Buffer = Buffer.alloc(0);

  return {
    push(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const clean: Buffer[] = [];
      const places = forms.map((form) => bytes.indexOf(form));
      let start = 0;
      for (;;) {
        const match = first(forms, places);
        if (!match) break;
        const end = match.at + match.length;
        clean.push(
          bytes.subarray(start, match.at),
          mark === 'named' ? MARK : Buffer.alloc(match.length, '*'),
        );
        start = end;
        // Each form's search goes on from where it was, so no byte is searched twice for the same form.
        forms.forEach((form, n) => {
          if ((places[n] ?? -1) !== -1 && (places[n] ?? 0) < end) places[n] = bytes.indexOf(form, end);
        });
      }
      const rest = bytes.subarray(start);
      const keep = rest.length - Math.max(0, ...searched.map((one) => overlap(rest, one)));
      clean.push(rest.subarray(0, keep));
      held = rest.subarray(keep);
      return clean.length === 1 && clean[0] ? clean[0] : Buffer.concat(clean);
    },
    end() {
      const rest = held;
      held = Buffer.alloc(0);
      return rest;
    },
  };
}

/** The first match; of those that begin together, the longest. */
function first(forms: readonly Buffer[], places: readonly number[]): { at: number; length: number } | null {
  let best: { at: number; length: number } | null = null;
  for (const [n, { length }] of forms.entries()) {
    const at = places[n] ?? -1;
    if (at !== -1 && (!best || at < best.at || (at === best.at && length > best.length)))
      best = { at, length };
  }
  return best;
}

/** Knuth, Morris, Pratt: for each beginning of the form, the longest shorter beginning that is also its end. */
function bordersOf(form: Buffer): Uint16Array {
  const borders = new Uint16Array(form.length + 1);
  for (let at = 1, length = 0; at < form.length; at += 1) {
    while (length > 0 && form[at] !== form[length]) length = borders[length] ?? 0;
    if (form[at] === form[length]) length += 1;
    borders[at + 1] = length;
  }
  return borders;
}

/** How many bytes at the end of `bytes` could be the beginning of the form. */
function overlap(bytes: Buffer, { form, borders }: { form: Buffer; borders: Uint16Array }): number {
  let length = 0;
  for (let at = Math.max(0, bytes.length - form.length + 1); at < bytes.length; at += 1) {
    while (length > 0 && bytes[at] !== form[length]) length = borders[length] ?? 0;
    if (bytes[at] === form[length]) length += 1;
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

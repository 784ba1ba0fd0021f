/** Replaces every form of one secret in a stream of bytes. */
export interface Scrubber {
  /** What of the stream so far can be shown. Bytes are held back only while they could be the start of a match. */
  push(chunk: Buffer): Buffer;
  /** What was held back: it is no match, for the stream has ended. */
  end(): Buffer;
}

const MARK = Buffer.from('[secret]');

/**
 * The forms in which an answer could repeat a secret: as it is, URL-encoded, as a JSON string (also with escaped
 * slashes), in hex, and in base64 at each of its three alignments, of which the part that does not depend on the
 * neighbours is looked for, in both alphabets.
 */
export function secretForms(secret: string): Buffer[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret);
  const forms = new Set([
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    json,
    json.replaceAll('/', '\\/'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
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

export function createScrubber(forms: readonly Buffer[]): Scrubber {
  const longest = Math.max(0, ...forms.map((form) => form.length));
  let held: Buffer = Buffer.alloc(0);

  return {
    push(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const clean: Buffer[] = [];
      let start = 0;
      for (let match = next(bytes, start, forms); match !== null; match = next(bytes, start, forms)) {
        clean.push(bytes.subarray(start, match.at), MARK);
        start = match.at + match.length;
      }
      const keep = heldFrom(bytes, start, forms, longest);
      clean.push(bytes.subarray(start, keep));
      held = bytes.subarray(keep);
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
function next(bytes: Buffer, from: number, forms: readonly Buffer[]): { at: number; length: number } | null {
  let best: { at: number; length: number } | null = null;
  for (const form of forms) {
    const at = bytes.indexOf(form, from);
    if (at !== -1 && (!best || at < best.at || (at === best.at && form.length > best.length)))
      best = { at, length: form.length };
  }
  return best;
}

/** Where the tail begins that could become a match with what follows. */
function heldFrom(bytes: Buffer, start: number, forms: readonly Buffer[], longest: number): number {
  for (let at = Math.max(start, bytes.length - longest + 1); at < bytes.length; at += 1)
    for (const form of forms)
      if (
        form[0] === bytes[at] &&
        bytes.length - at < form.length &&
        bytes.compare(form, 0, bytes.length - at, at) === 0
      )
        return at;
  return bytes.length;
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

/** The forms in which a planted secret is looked for. */
export type SecretForm = 'raw' | 'reversed' | 'hex' | 'base64' | 'percent-encoded' | 'utf-16';

export interface SecretHit {
  form: SecretForm;
  offset: number;
}

/** Letters or digits that must follow the prefix: the prefix alone is what the search itself holds. */
const TAIL_CHARACTERS = 16;
/** The longest form of prefix and tail: what two neighbouring pieces of a large input must overlap by. */
export const SECRET_OVERLAP_BYTES = 512;

interface Form {
  form: SecretForm;
  anchor: Uint8Array;
  /** One character of the tail in this form, and how many there must be. */
  unit: (bytes: Uint8Array, at: number) => boolean;
  unitBytes: number;
  units: number;
  /** Reversed: the tail comes before the anchor. */
  before: boolean;
}

/**
 * Finds every place in `bytes` where `prefix` (letters and digits) is followed by at least 16 more letters or
 * digits, in any of the forms above, base64 in all three alignments. What holds the prefix alone, as a searching
 * program must, is not found. `createSecretSearch(prefix)` is made once, the result is called per piece.
 */
export function createSecretSearch(prefix: string): (bytes: Uint8Array) => SecretHit[] {
  const forms = formsOf(prefix);
  return (bytes) => {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const hits: SecretHit[] = [];
    for (const form of forms) {
      for (let at = view.indexOf(form.anchor); at !== -1; at = view.indexOf(form.anchor, at + 1)) {
        if (hasTail(view, at, form)) hits.push({ form: form.form, offset: at });
      }
    }
    return hits;
  };
}

function hasTail(bytes: Uint8Array, at: number, form: Form): boolean {
  const first = form.before ? at - form.unitBytes * form.units : at + form.anchor.length;
  if (first < 0 || first + form.unitBytes * form.units > bytes.length) return false;
  for (let unit = 0; unit < form.units; unit += 1) {
    if (!form.unit(bytes, first + unit * form.unitBytes)) return false;
  }
  return true;
}

function formsOf(prefix: string): Form[] {
  const ascii = Buffer.from(prefix, 'latin1');
  const reversed = Buffer.from(ascii).reverse();
  const plain = { unitBytes: 1, units: TAIL_CHARACTERS, before: false, unit: isAlphanumericAt };
  const hex = ascii.toString('hex');
  const percent = [...ascii].map((byte) => `%${byte.toString(16)}`).join('');
  const forms: Form[] = [
    { ...plain, form: 'raw', anchor: ascii },
    { ...plain, form: 'reversed', anchor: reversed, before: true },
    ...[hex, hex.toUpperCase()].map((text) => ({
      ...plain,
      form: 'hex' as const,
      anchor: Buffer.from(text, 'latin1'),
      unitBytes: 2,
      unit: (bytes: Uint8Array, at: number) => isAlphanumeric(hexByte(bytes, at)),
    })),
    ...[percent, percent.toUpperCase()].map((text) => ({
      ...plain,
      form: 'percent-encoded' as const,
      anchor: Buffer.from(text, 'latin1'),
      unitBytes: 3,
      unit: (bytes: Uint8Array, at: number) => bytes[at] === 0x25 && isAlphanumeric(hexByte(bytes, at + 1)),
    })),
    {
      ...plain,
      form: 'utf-16',
      // Without the zero at its end, or at its beginning: the same bytes in either order, and none that is common.
      anchor: Buffer.from(prefix, 'utf16le').subarray(0, -1),
      unitBytes: 2,
      unit: (bytes, at) => bytes[at] === 0 && isAlphanumericAt(bytes, at + 1),
    },
  ];
  for (const skipped of [0, 1, 2]) {
    forms.push({
      ...plain,
      form: 'base64',
      anchor: Buffer.from(base64Anchor(ascii, skipped), 'latin1'),
      units: 20,
      unit: isAlphanumericAt,
    });
  }
  return forms;
}

/** The characters of base64 that `prefix` alone determines when `skipped` unknown bytes come before it. */
function base64Anchor(prefix: Uint8Array, skipped: number): string {
  const text = Buffer.concat([Buffer.alloc(skipped), prefix]).toString('base64');
  const first = [0, 2, 3][skipped] ?? 0;
  return text.slice(first, Math.floor(((skipped + prefix.length) * 8) / 6));
}

function isAlphanumericAt(bytes: Uint8Array, at: number): boolean {
  return isAlphanumeric(bytes[at] ?? 0);
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function hexByte(bytes: Uint8Array, at: number): number {
  const value = Number.parseInt(String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0), 16);
  return Number.isNaN(value) ? 0 : value;
}

const HIDDEN = '[redacted]';

/*
 * Texts are an agent's: every expression here takes time linear in the text, whatever it is. None repeats without a
 * bound what it could fail after.
 */

/** What is followed by a secret: `Authorization: Bearer …`, `api_key=…`, `"password": "…"`. */
const NAMED =
  /((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization|cookie|session[_-]?id)[a-z0-9_-]{0,40}["']?\s{0,9}[:=]\s{0,9}["']?(?:(?:bearer|basic|token|digest)\s{1,9})?|\b(?:bearer|basic)\s{1,9})[^\s"'`,;&<>{}()[\]]{4,}/gi;
const PEM = /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g;
const USER_INFO = /(:\/\/)[^\s/@:"'<>]{1,200}:[^\s/@"'<>]{1,400}@/g;
/** Runs of escapes: `%41%42…`, `\u0041\u0042…`, `\x41\x42…`. */
const ESCAPES = /(?:(?:%|\\x|\\u00)[0-9a-f]{2}){8,}/gi;
/** Prefixes by which services mark their keys. */
const MARKED =
  /\b(?:(?:[spr]k|hf|whsec|gh[pousr]|github_pat|npm|olp|shpat|dop_v1)_|(?:sk|glpat|xox[abeoprs]|xapp|pypi)-|(?:SG|ya29)\.|AKIA|ASIA|AIza)[A-Za-z0-9_.-]{12,}/g;
const JWT = /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}/g;
const RUN = /[A-Za-z0-9+_=-]{16,}/g;
/** Our own identifiers, which are for finding things and open nothing. */
const OWN_ID = /^(?:msg|trc)_[0-9a-z]{25}$/;
/** Where agents cut a preview: what a token there began with is no longer whole, and looks like less than it is. */
const CUT_AT = 8000;

/**
 * A text as it may be shown in a trace, an export or a recording: whatever looks like a token, a key or a password is
 * hidden, invisible characters are gone, and it has at most `most` characters. The host knows no secret to look for, so
 * it goes by shape, and hides a few identifiers along with the secrets.
 */
export function redactPreview(text: string, most: number): string {
  // Bounds the work: what is cut off afterwards need not be looked at.
  const clean = text.slice(0, most * 4 + 4096).replace(/\p{C}/gu, (one) => (/[\n\t]/.test(one) ? one : ''));
  const whole = redact(clean);
  const safe = text.length >= CUT_AT ? whole.replace(/[A-Za-z0-9+/_=-]{6,}$/, HIDDEN) : whole;
  const characters = [...safe];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : safe;
}

/** The same without a bound on its length: for what must stay whole. */
export function redact(text: string): string {
  return text
    .replace(PEM, HIDDEN)
    .replace(USER_INFO, `$1${HIDDEN}@`)
    .replace(NAMED, `$1${HIDDEN}`)
    .replace(ESCAPES, HIDDEN)
    .replace(JWT, HIDDEN)
    .replace(MARKED, HIDDEN)
    .replace(RUN, (run) => (looksRandom(run) ? HIDDEN : run));
}

/** Letters and digits mixed in one long piece; a long run of hex; an UUID. Words with hyphens and dates are none. */
function looksRandom(run: string): boolean {
  if (OWN_ID.test(run)) return false;
  if (/^[0-9a-f-]{32,}$/i.test(run) && /\d/.test(run)) return true;
  return run.split(/[-_=]/).some((piece) => {
    const digits = piece.replace(/\D/g, '').length;
    const letters = piece.replace(/[^A-Za-z]/g, '').length;
    const turns = piece.match(/[a-z][A-Z]|[A-Z]{2}[a-z]/g)?.length ?? 0;
    return (piece.length >= 16 && digits >= 2 && letters >= 2) || (piece.length >= 20 && turns >= 4);
  });
}

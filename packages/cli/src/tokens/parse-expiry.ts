import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { parseTime } from '../audit/parse-time.ts';

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const MOST_MS = 10 * 366 * 86_400_000;

/** `8h`, `30d`, or a date or time of ISO 8601 (a date ends with its day, in UTC), as a time. Throws `bad_request`. */
export function parseExpiry(text: string, nowMs: number): string {
  const [, count, unit = ''] = /^([1-9][0-9]{0,4})([mhd])$/.exec(text) ?? [];
  const span = count === undefined ? null : Number(count) * (UNIT_MS.get(unit) ?? 0);
  const time = span !== null ? nowMs + span : Date.parse(parseTime(text, 'end'));
  if (time > nowMs && time - nowMs <= MOST_MS) return new Date(time).toISOString();
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.token.expires',
    message: `--expires ${JSON.stringify(text.slice(0, 40))} is not a time to come, of the next ten years.`,
    remedy: 'Write 8h, 30d, 2027-01-31 or 2027-01-31T18:00:00Z.',
  });
}

import { OpenLegionError } from '@openlegion/contract/open-legion-error';

/** `2026-11-01` (its beginning or end, in UTC) or a time of ISO 8601, in UTC with milliseconds. Throws `bad_request`. */
export function parseTime(text: string, edge: 'begin' | 'end'): string {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? `${text}T${edge === 'begin' ? '00:00:00.000' : '23:59:59.999'}Z`
    : text;
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(whole);
  const time = isTime ? Date.parse(whole) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.audit.time',
    message: `${JSON.stringify(text.slice(0, 40))} is not a date or time.`,
    remedy: 'Write 2026-11-01 or 2026-11-01T18:00:00Z.',
  });
}

/** The days and months that budgets count in. */
export interface Calendar {
  /** `2026-11-21`: the day it is at `atMs` in that time zone. */
  dayOf(atMs: number, timeZone: string): string;
}

export function createCalendar(): Calendar {
  const formats = new Map<string, Intl.DateTimeFormat>();
  let last = { minute: Number.NaN, timeZone: '', day: '' };

  return {
    dayOf(atMs, timeZone) {
      // No time zone changes its day within a minute, and to work one out costs as much as all else of a call.
      const minute = Math.floor(atMs / 60_000);
      if (last.minute === minute && last.timeZone === timeZone) return last.day;
      let format = formats.get(timeZone);
      if (!format) {
        formats.clear();
        format = new Intl.DateTimeFormat('en-US', {
          timeZone,
          calendar: 'iso8601',
          numberingSystem: 'latn',
          year: 'numeric',
          month: '2-digit',
          day: '2-digit',
        });
        formats.set(timeZone, format);
      }
      const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
      last = { minute, timeZone, day: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}` };
      return last.day;
    },
  };
}

export function monthOf(day: string): string {
  return day.slice(0, 7);
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

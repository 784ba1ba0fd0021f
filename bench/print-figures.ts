import type { Bound, Figure } from './measure.ts';

/** The figures as a table for people. */
export function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.bench,
    figure.what,
    amount(figure.value, figure.unit),
    figure.peer ? `${amount(figure.peer.value, figure.unit)} (${figure.peer.what})` : '',
    figure.ratio === null ? '' : `${figure.ratio.toFixed(2)}×`,
    figure.bound ? boundText(figure.bound, figure.unit) : '',
    figure.verdict,
  ]);
  const head = ['bench', 'what', 'figure', 'beside', 'ratio', 'bound', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function amount(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

function boundText({ of, most, least }: Bound, unit: string): string {
  const mark = least === undefined ? '≤' : '≥';
  const limit = most ?? least ?? 0;
  if (of === 'ratio') return `${mark} ${limit}×`;
  return of === 'more' ? `${mark} ${limit} ${unit} more` : `${mark} ${limit} ${unit}`;
}

import type { CredentialName } from '@openlegion/contract/keeper-protocol';

/** A table for people; there is nothing in it that could be shown wrongly, for a value is never known here. */
export function formatCredentials(credentials: readonly CredentialName[]): string {
  if (credentials.length === 0) return 'The vault is empty. Add a key with `./openlegion vault add NAME`.';
  const rows = [
    ['NAME', 'VERSION', 'LAST USED', 'GOES ONLY TO'],
    ...credentials.map(({ name, version, lastUsedAt, origins }) => [
      name,
      String(version),
      lastUsedAt ?? 'never',
      origins.join(', ') || 'nowhere',
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

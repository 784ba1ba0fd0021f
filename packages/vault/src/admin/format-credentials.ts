import type { CredentialBinding, CredentialName } from '@openlegion/contract/keeper-protocol';
import { formatRule } from '../presets/parse-rule.ts';
import type { PresetFile } from '../presets/preset.ts';

/** Tables for people; there is nothing in them that could be shown wrongly, for a value is never known here. */
export function formatCredentials(credentials: readonly CredentialName[]): string {
  if (credentials.length === 0) return 'The vault is empty. Add a key with `./openlegion vault add NAME`.';
  return formatColumns([
    ['NAME', 'FOR', 'LAST USED', 'GOES ONLY TO', 'ALLOWS'],
    ...credentials.map((credential) => [
      credential.name,
      credential.owner ?? (credential.tier === 'system' ? 'models' : 'tools'),
      credential.lastUsedAt ?? 'never',
      places(credential).join(', ') || 'nowhere',
      credential.tier === 'system' ? 'model calls' : summary(credential.bindings),
    ]),
  ]);
}

/** Everything that is known of one credential. */
export function formatCredential(credential: CredentialName): string {
  const { name, version, createdAt, lastUsedAt, owner, environment, bindings, origins } = credential;
  const lines = [
    `${name}, version ${version}, stored ${createdAt}, ${lastUsedAt ? `last used ${lastUsedAt}` : 'never used'}`,
    ...(owner ? [`made by the agent ${owner}`] : []),
    ...(environment.length > 0
      ? [`placeholder in ${environment.join(', ')} of agents it is granted to`]
      : []),
    ...origins.map((origin) => `goes to ${origin}`),
    ...bindings.flatMap((binding) => [
      `goes to ${at(binding)} as ${binding.header}: ${form(binding)}`,
      ...binding.allow.map((rule) => `  allows ${formatRule(rule)}`),
      ...binding.deny.map((rule) => `  denies ${formatRule(rule)}`),
    ]),
  ];
  return [...lines, ...(origins.length + bindings.length === 0 ? ['goes nowhere'] : [])].join('\n');
}

export function formatPresets({ presets, refused }: PresetFile): string {
  return [
    ...presets.flatMap(({ name, title, environment, bindings, ownHost, note, source }) => [
      `${name}: ${title}`,
      ...(bindings.length > 0 ? bindings : ownHost).map(
        (binding) =>
          `  ${binding.host || '--host'} as ${binding.header}: ${form(binding)}; ${binding.allow.map(formatRule).join('; ') || 'nothing by itself'}`,
      ),
      `  placeholder in ${environment.join(', ')}`,
      ...(note ? [`  ${note}`] : []),
      `  ${source}`,
    ]),
    ...refused.map(({ names, reason }) => `not possible (${names.join(', ')}): ${reason}`),
  ].join('\n');
}

/** One line: what was stored or bound, and where it now goes. */
export function places({ origins, bindings }: Pick<CredentialName, 'origins' | 'bindings'>): string[] {
  return [...new Set([...origins, ...bindings.map(at)])];
}

function at({ host, port }: { host: string; port: number }): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === 443 ? shown : `${shown}:${port}`;
}

function form({ scheme, user }: Pick<CredentialBinding, 'scheme' | 'user'>): string {
  return { bearer: 'Bearer …', token: 'token …', basic: `Basic (${user || 'no user'}:…)`, raw: '…' }[scheme];
}

function summary(bindings: readonly CredentialBinding[]): string {
  const rules = [...new Set(bindings.flatMap(({ allow }) => allow.map(formatRule)))];
  if (rules.length === 0) return 'nothing';
  return rules.length <= 2 ? rules.join('; ') : `${rules.slice(0, 2).join('; ')}; ${rules.length - 2} more`;
}

function formatColumns(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

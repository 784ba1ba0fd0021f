import type { CredentialBinding } from '@openlegion/contract/keeper-protocol';
import { parseRule } from '../presets/parse-rule.ts';
import { type PresetFile, presetBindings } from '../presets/preset.ts';
import { type CredentialTier, tierOf } from '../process/credential-name.ts';
import { VaultError } from '../process/vault-error.ts';
import type { PlaceOptions } from './admin-arguments.ts';

export interface CredentialPlace {
  origins: string[];
  bindings: CredentialBinding[];
  environment: string[];
  /** What a person should know of the preset; may be empty. */
  note: string;
}

const SCHEMES: readonly CredentialBinding['scheme'][] = ['bearer', 'token', 'basic', 'raw'];
/** What a binding allows where nothing is said: reading. */
const READING = 'GET,HEAD /**';

/**
 * Where a credential may go, from what was typed. Throws `bad_request`: a preset there is not, a service that wants
 * signed requests, a host that is missing or an address, options of the other tier.
 */
export function credentialPlace(name: string, place: PlaceOptions, file: PresetFile): CredentialPlace {
  const tier = tierOf(name);
  checkTier(tier, place);
  if (tier === 'system')
    return { origins: place.origins, bindings: [], environment: place.environment, note: '' };
  refuseSigning([place.preset, place.scheme], file);
  const scheme = parseScheme(place.scheme);
  const allow = place.allow.map(parseRule);
  const hosts = place.hosts.map(parseHost);
  const header = place.header?.toLowerCase() ?? null;
  if (place.preset === null) {
    if (hosts.length === 0) throw wrong('There is neither --preset nor --host: nowhere to send it.', PLACES);
    const headerName = header ?? 'authorization';
    const binding = {
      header: headerName,
      scheme: scheme ?? (headerName === 'authorization' ? 'bearer' : 'raw'),
      user: place.user ?? '',
      allow: allow.length > 0 ? allow : [parseRule(READING)],
      deny: [],
    } as const;
    return {
      origins: [],
      bindings: hosts.map((host) => ({
        ...binding,
        ...host,
        allow: [...binding.allow],
        deny: [...binding.deny],
      })),
      environment: place.environment,
      note: allow.length > 0 ? '' : `Without --allow it is for reading: ${READING}.`,
    };
  }
  const preset = file.presets.find((known) => known.name === place.preset);
  if (!preset) {
    const known = file.presets.map((one) => one.name).join(', ');
    throw wrong('There is no such preset.', `There are: ${known}. Or say it yourself with --host.`);
  }
  if (preset.hostNeeded && hosts.length === 0)
    throw wrong(`${preset.title} is on a host of your own.`, `Name it with --host. ${preset.note}`);
  const bindings = presetBindings(preset, hosts, allow).map((binding) => ({
    ...binding,
    header: header ?? binding.header,
    scheme: scheme ?? binding.scheme,
    user: scheme && scheme !== 'basic' ? '' : (place.user ?? binding.user),
  }));
  if (bindings.every((binding) => binding.allow.length === 0))
    throw wrong(`The preset ${preset.name} allows nothing by itself.`, preset.note);
  const environment = place.environment.length > 0 ? place.environment : preset.environment;
  return { origins: [], bindings, environment, note: preset.note };
}

const PLACES =
  "For example: --preset github, or --host api.example.com --header x-api-key --allow 'GET /v1/**'. `./openlegion vault presets` lists the presets.";

function checkTier(tier: CredentialTier, place: PlaceOptions): void {
  const { preset, hosts, header, scheme, user, allow, environment, origins } = place;
  const forTools = [preset, ...hosts, header, scheme, user, ...allow, ...environment].some(
    (value) => value !== null,
  );
  if (tier === 'system' && forTools)
    throw wrong(
      "A provider's key is bound with --origin alone, and no agent ever gets it.",
      'A credential for tools is named OPENLEGION_CRED_…, or short: github.',
    );
  if (tier === 'cred' && origins.length > 0)
    throw wrong('--origin is for the keys of model providers.', PLACES);
}

function refuseSigning(names: readonly (string | null)[], { refused }: PresetFile): void {
  for (const { names: known, reason } of refused) {
    if (names.some((name) => name !== null && known.includes(name.toLowerCase())))
      throw wrong(
        reason,
        'Use a service in front of it that takes a token, or give the agent no access to it.',
      );
  }
}

function parseScheme(typed: string | null): CredentialBinding['scheme'] | null {
  if (typed === null) return null;
  const scheme = SCHEMES.find((known) => known === typed);
  if (!scheme)
    throw wrong('There is no such scheme.', `There are: ${SCHEMES.join(', ')}; raw is the value alone.`);
  return scheme;
}

/** `api.example.com`, `*.example.com`, either with a port. The keeper has the last word on what a host is. */
export function parseHost(typed: string): { host: string; port: number } {
  const [, host, port] = /^((?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?$/i.exec(typed) ?? [];
  const number = port === undefined ? 443 : Number(port);
  if (!host || number < 1 || number > 65_535)
    throw wrong(
      'A host is a name alone, with a port where it is not 443.',
      'For example --host git.example.com or --host git.example.com:8443, without https:// and without a path.',
    );
  return { host: host.toLowerCase().replace(/^\[|\]$/g, ''), port: number };
}

function wrong(message: string, remedy: string): VaultError {
  return new VaultError({ code: 'bad_request', rule: 'vault.place', message, remedy });
}

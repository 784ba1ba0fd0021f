import { readFileSync } from 'node:fs';
import type { CredentialBinding, RequestRule } from '@openlegion/contract/keeper-protocol';
import { boolean, listOf, oneOf, type Parser, strictObject, text } from '../process/strict-parser.ts';
import { parseRule } from './parse-rule.ts';

type Scheme = CredentialBinding['scheme'];

interface PresetBinding {
  /** Empty where the host is the operator's own. */
  host: string;
  header: string;
  scheme: Scheme;
  user: string;
  /** What the service's API lies under on a host of one's own; the denied paths lie there too. */
  prefix: string;
  allow: RequestRule[];
}

/** How a service takes its credential, and what of it is reading. Facts of `presets.json`, each with its source. */
export interface Preset {
  name: string;
  title: string;
  source: string;
  environment: string[];
  note: string;
  hostNeeded: boolean;
  bindings: PresetBinding[];
  /** For the same service on a host of one's own. */
  ownHost: PresetBinding[];
  /** Endpoints that mint or show credentials: each path, and what is below it, under each prefix. */
  deny: { under: string[]; paths: string[] }[];
  denyExactly: string[];
}

export interface PresetFile {
  presets: Preset[];
  /** Services of which a credential cannot be put into a header, and why. */
  refused: { names: string[]; reason: string }[];
}

const anyText = text(1000);
const texts = listOf(anyText, 100);
const rule: Parser<RequestRule> = (value, at) => parseRule(anyText(value, at));
const binding = {
  header: anyText,
  scheme: oneOf('bearer', 'token', 'basic', 'raw'),
  user: text(100),
  prefix: text(100),
  allow: listOf(rule, 100),
};
const ownHost = strictObject<Omit<PresetBinding, 'host'>>(binding);

const parsePresetFile = strictObject<PresetFile>({
  presets: listOf(
    strictObject<Preset>({
      name: anyText,
      title: anyText,
      source: anyText,
      environment: texts,
      note: anyText,
      hostNeeded: boolean,
      bindings: listOf(strictObject<PresetBinding>({ ...binding, host: anyText }), 20),
      ownHost: listOf((value, at) => ({ ...ownHost(value, at), host: '' }), 20),
      deny: listOf(strictObject({ under: texts, paths: texts }), 20),
      denyExactly: texts,
    }),
    100,
  ),
  refused: listOf(strictObject({ names: texts, reason: anyText }), 100),
});

export function loadPresets(): PresetFile {
  return parsePresetFile(
    JSON.parse(readFileSync(new URL('./presets.json', import.meta.url), 'utf8')),
    'presets.json',
  );
}

/** The preset's bindings, on its own hosts or on the hosts given; `allow` is added to what it allows itself. */
export function presetBindings(
  preset: Preset,
  hosts: readonly { host: string; port: number }[],
  allow: readonly RequestRule[],
): CredentialBinding[] {
  const places =
    hosts.length === 0
      ? preset.bindings.map((place) => ({ ...place, port: 443 }))
      : hosts.flatMap((named) => {
          const templates = preset.ownHost.length > 0 ? preset.ownHost : preset.bindings;
          return templates.map((place) => ({ ...place, ...named }));
        });
  return places.map(({ host, port, header, scheme, user, prefix, allow: reading }) => ({
    host,
    port,
    header,
    scheme,
    user,
    allow: [...reading, ...allow],
    deny: deniedPaths(preset, prefix).map((path) => ({ methods: ['*'], path })),
  }));
}

/** Under a prefix also at the root, for what lies at a service's root lies there on any host. */
function deniedPaths({ deny, denyExactly }: Preset, prefix: string): string[] {
  const below = (base: string, paths: readonly string[]) =>
    paths.flatMap((path) => [`${base}/${path}`, `${base}/${path}/**`]);
  const denied = deny.flatMap(({ under, paths }) => under.flatMap((base) => below(prefix + base, paths)));
  const atRoot = deny.filter(({ under }) => under.includes('')).flatMap(({ paths }) => below('', paths));
  return [...denied, ...(prefix === '' ? [] : atRoot), ...denyExactly.map((path) => prefix + path)];
}

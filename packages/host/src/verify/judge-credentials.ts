import type { Guarantee } from '@openlegion/contract/control-api';
import { createSecretSearch } from '@openlegion/contract/secret-forms';
import { judged, lines } from './guarantee.ts';
import type { Environments, Secrets } from './observations.ts';

const SUSPICIOUS_NAME = /SECRET|TOKEN|PASSW|CREDENTIAL|BEARER|API_?KEY|PRIVATE|^OPENLEGION_(?:SYSTEM|CRED)_/i;
/** Shapes in which providers hand out keys, and signed tokens. */
const SUSPICIOUS_VALUE =
  /\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abp]-[A-Za-z0-9-]{10,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.)|\bBearer\s+\S{8,}/;

/** What programs are given in place of a key: the word of those that insist on one, and placeholders of the proxy. */
const WORTHLESS_VALUE = /^(?:none|olp_[0-9a-f]{40})$/;

/** Names are shown, values never. Variables that a person set for an agent do not exist: all come from the template. */
export function judgeEnvironment({ processes }: Environments): Guarantee {
  const wrong: string[] = [];
  const names = new Set<string>();
  for (const { pid, environ, cmdline } of processes) {
    if (SUSPICIOUS_VALUE.test(cmdline)) wrong.push(`pid ${pid}: its command line`);
    if (typeof environ === 'string') continue;
    for (const variable of environ) {
      const name = variable.split('=', 1)[0] ?? '';
      names.add(name);
      if (WORTHLESS_VALUE.test(variable.slice(name.length + 1))) continue;
      if (SUSPICIOUS_NAME.test(name) || SUSPICIOUS_VALUE.test(variable)) wrong.push(`pid ${pid}: ${name}`);
    }
  }
  const readable = processes.filter(({ environ }) => typeof environ !== 'string').length;
  return judged('credentials.environment', {
    holds: readable > 0,
    wrong,
    evidence: `${processes.length} processes, ${readable} environments read; variables: ${[...names].join(', ')}`,
    why: 'Something gives the container a credential: look at the image and at the engine’s own settings.',
  });
}

/** The search counts only if it found the worthless secret that was planted for it, in a file and in a process. */
export function judgeContainerSearch(
  { found, control, counts, unreadable }: Secrets,
  canaries: boolean,
): Guarantee {
  const searched = `${counts.files} files (${Math.round(counts.bytes / 1_000_000)} MB), ${counts.processes} processes, memory of ${counts.memories} (${Math.round(counts.memoryBytes / 1_000_000)} MB) searched for raw, reversed, hex, base64, percent-encoded and UTF-16 forms`;
  if (!canaries) {
    return judged('credentials.container', {
      holds: false,
      evidence: 'no credentials were planted, so there was nothing to search for',
      why: '',
      declared: 'Run "./openlegion verify", which plants them in the vault first.',
    });
  }
  const controls = ['/tmp/', '/environ'].filter((place) => control.some((hit) => hit.place.includes(place)));
  return judged('credentials.container', {
    holds: found.length === 0 && controls.length === 2,
    evidence:
      found.length > 0
        ? `found: ${lines(found.map(({ place, form }) => `${place} (${form})`))}`
        : `${searched}; 0 found; a worthless secret planted for the test was found in ${control.length} places; ${unreadable.length} places that the agent's user cannot read itself were left out`,
    why:
      found.length > 0
        ? 'A credential of the vault reached a container. Revoke it, then find the way it took.'
        : 'The search did not find what was planted for it: it proves nothing.',
  });
}

/** `inspected`: everything that the engine says of the container. */
export function judgeEngine(inspected: unknown, canaryPrefix: string | null): Guarantee {
  const text = JSON.stringify(inspected) ?? '';
  const hits = canaryPrefix === null ? [] : createSecretSearch(canaryPrefix)(Buffer.from(text));
  const value = SUSPICIOUS_VALUE.exec(text);
  return judged('credentials.engine', {
    holds: text.length > 100 && hits.length === 0 && value === null,
    evidence: `${text.length} characters of the engine's description searched; ${hits.length} planted credentials found; ${value ? 'something shaped like a key found' : 'nothing shaped like a key'}`,
    why: 'A credential was given to the container engine, where anyone with access to it can read it.',
  });
}

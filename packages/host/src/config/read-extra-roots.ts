import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { ConfigProblem } from './config-problem.ts';
import type { File } from './cross-check.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const MOST_CHARACTERS = 512 * 1024;

/** The certificates of `egress.extra_roots`, and nothing else of that file; null where none is configured. */
export function readExtraRoots(
  { value, locate }: File<MeshConfig>,
  configDirectory: string,
): { pem: string | null; problems: ConfigProblem[] } {
  const path = value.egress.extra_roots;
  if (path === undefined) return { pem: null, problems: [] };
  const problem = (message: string, remedy: string) => ({
    pem: null,
    problems: [{ file: 'config/mesh.yaml', ...locate(['egress', 'extra_roots']), message, remedy }],
  });
  let text: string;
  try {
    text = readFileSync(isAbsolute(path) ? path : join(configDirectory, path), 'utf8');
  } catch {
    return problem(
      `"egress.extra_roots": ${JSON.stringify(path.slice(0, 100))} cannot be read`,
      'Write the path of a PEM file, relative to config/, that your user can read.',
    );
  }
  const certificates = text.length > MOST_CHARACTERS ? [] : (text.match(CERTIFICATE) ?? []);
  if (certificates.length === 0 || !certificates.every(isCertificate)) {
    return problem(
      `"egress.extra_roots": ${JSON.stringify(path.slice(0, 100))} holds no certificate, or one that cannot be read`,
      'Put the root certificates there as PEM: "-----BEGIN CERTIFICATE-----" and so on.',
    );
  }
  // A private key that lies in the same file stays there.
  return { pem: `${certificates.join('\n')}\n`, problems: [] };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

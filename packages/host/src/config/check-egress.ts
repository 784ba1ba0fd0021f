import { isIP } from 'node:net';
import type { AgentsConfig } from '@openlegion/contract/agents-config';
import type { MeshConfig } from '@openlegion/contract/mesh-config';
import type { PermissionsConfig } from '@openlegion/contract/permissions-config';
import type { ConfigProblem } from './config-problem.ts';
import type { File } from './cross-check.ts';

const LABELS = '(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST = new RegExp(`^${LABELS}$`);
/** `api.example.com`, `*.example.com`, either with `:port`. A bare `*` or `*.com` names everyone, not someone. */
const DOMAIN = new RegExp(`^(?:\\*\\.(?=[^.]+\\.))?${LABELS}(?::([1-9][0-9]{0,4}))?$`);
const CREDENTIAL = /^[a-z0-9_*]{1,100}$/;
/** Where clouds hand out the credentials of the machine; refused at the gateway as well, whatever is written here. */
const METADATA = ['169.254.169.254', '169.254.170.2', '100.100.100.200', 'fd00:ec2::254'];

/** Everything that says where agents may reach to. A pattern that cannot be read never becomes a wider or narrower one. */
export function checkEgress(files: {
  mesh: File<MeshConfig>;
  agents: File<AgentsConfig>;
  permissions: File<PermissionsConfig>;
}): { problems: ConfigProblem[]; warnings: ConfigProblem[] } {
  const { problems, warnings } = checkHosts(files.mesh);
  const { value, locate } = files.permissions;
  for (const [name, record] of Object.entries(value.permissions)) {
    const at = (list: 'allowed_domains' | 'allowed_credentials', index: number) => ({
      file: 'config/permissions.json',
      ...locate(['permissions', name, list, index]),
    });
    for (const [index, domain] of record.allowed_domains.entries()) {
      const remedy = domainRemedy(domain);
      if (remedy === null) continue;
      problems.push({
        ...at('allowed_domains', index),
        message: `allowed_domains: ${shown(domain)} is not the pattern of a host`,
        remedy,
      });
    }
    for (const [index, credential] of record.allowed_credentials.entries()) {
      if (CREDENTIAL.test(credential)) continue;
      problems.push({
        ...at('allowed_credentials', index),
        message: `allowed_credentials: ${shown(credential)} is not the name of a credential for tools`,
        remedy: credentialRemedy(credential),
      });
    }
  }
  return { problems, warnings };
}

function checkHosts({ value, locate }: File<MeshConfig>): {
  problems: ConfigProblem[];
  warnings: ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  for (const [host, { address, opaque }] of Object.entries(value.egress.hosts)) {
    const at = { file: 'config/mesh.yaml', ...locate(['egress', 'hosts', host]) };
    if (!HOST.test(host) || isIP(host) !== 0) {
      problems.push({
        ...at,
        message: `egress.hosts: ${shown(host)} is not the name of one host`,
        remedy: 'Write a whole name in lower case, without a port, a path or a "*".',
      });
    } else if (address !== undefined && METADATA.includes(address)) {
      problems.push({
        ...at,
        message: `egress.hosts: ${address} is a metadata address, which no agent may reach under any name`,
        remedy: 'Remove it.',
      });
    } else if (address === undefined && !opaque) {
      warnings.push({
        ...at,
        message: `egress.hosts: ${shown(host)} says nothing`,
        remedy: 'Give it an address, or "opaque: true"; or remove it.',
      });
    }
  }
  return { problems, warnings };
}

/** What to write instead of an entry of `allowed_domains`; null for one that can be used. */
export function domainRemedy(domain: string): string | null {
  const [, port] = DOMAIN.exec(domain) ?? [];
  if (DOMAIN.test(domain) && Number(port ?? 443) <= 65_535) return null;
  const host = /^(?:[a-z]+:\/\/)?((?:\*\.)?[^/:@?#\s]+\.[^/:@?#\s]+?)\.?(?::\d+)?(?:[/?#].*)?$/i.exec(
    domain,
  )?.[1];
  const meant = host?.toLowerCase();
  if (meant !== undefined && meant !== domain && DOMAIN.test(meant)) return `Did you mean "${meant}"?`;
  return 'Write a host such as api.example.com or *.example.com, with a port only where it is not 443 or 80.';
}

function credentialRemedy(credential: string): string {
  if (/^OPENLEGION_SYSTEM_/i.test(credential))
    return 'Keys of model providers are never granted to an agent; remove it.';
  const short = credential.replace(/^OPENLEGION_CRED_/i, '').toLowerCase();
  return CREDENTIAL.test(short)
    ? `Did you mean "${short}"?`
    : 'Write the short name of a credential, such as github or brightdata_*.';
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

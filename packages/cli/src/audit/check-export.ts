import { createHash, verify as verifySignature } from 'node:crypto';
import { AuditExported, AuditExportLine } from '@openlegion/contract/audit-export';
import { type AuditRecord, auditRecordText, checkpointText } from '@openlegion/contract/audit-record';

export interface ExportVerdict {
  sound: boolean;
  from: string;
  to: string;
  host: number;
  keeper: number;
  exportedAt: string;
  exportedBy: string;
  problems: string[];
}

const MOST_PROBLEMS = 20;

type Chain = 'host' | 'keeper';
type Header = Extract<AuditExportLine, { kind: 'export' }>;
type Manifest = Extract<AuditExportLine, { kind: 'manifest' }>;

/**
 * Whether an export is what the keeper with this public key (PEM) signed, whole: every record in its place and as it was
 * written, none missing or added, from and to as they say. Needs nothing but the file and the key.
 */
export async function checkExport(
  lines: AsyncIterable<string> | Iterable<string>,
  publicKeyPem: string,
): Promise<ExportVerdict> {
  const problems: string[] = [];
  const find = (problem: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const seen: Record<Chain, { first: number; last: number; hash: string; count: number }> = {
    host: { first: 0, last: 0, hash: '', count: 0 },
    keeper: { first: 0, last: 0, hash: '', count: 0 },
  };
  const hash = createHash('sha256');
  let header: Header | undefined;
  let manifest: Manifest | undefined;
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (manifest) {
      find(`line ${number} comes after the manifest`);
      break;
    }
    const line = parseLine(text);
    if (!line || (line.kind === 'export') !== (number === 1)) {
      find(`line ${number} is not a line of an export`);
      break;
    }
    if (line.kind === 'manifest') {
      manifest = line;
      continue;
    }
    hash.update(`${text}\n`);
    if (line.kind === 'export') {
      header = line;
      continue;
    }
    const place = seen[line.chain];
    const { record } = line;
    const where = `${line.chain} record ${record.seq}`;
    if (hashOf(record) !== record.hash) find(`${where} was changed: the hash does not fit`);
    if (place.count > 0 && record.seq !== place.last + 1) find(`${where} follows ${place.last}`);
    else if (place.count > 0 && record.previousHash !== place.hash)
      find(`${where} does not follow from the one before it`);
    if (place.count === 0) place.first = record.seq;
    Object.assign(place, { last: record.seq, hash: record.hash, count: place.count + 1 });
  }
  if (!header) find('it does not begin as an export');
  if (!manifest) find('its end is missing: there is no manifest');
  const exported = manifest && checkManifest(manifest, publicKeyPem, find);
  if (header && exported) {
    for (const chain of ['host', 'keeper'] as const) {
      const { first, last } = seen[chain];
      const said = { first: exported[`${chain}First`], last: exported[`${chain}Last`] };
      if (first !== said.first || last !== said.last)
        find(`it has ${chain} records ${first} to ${last}; signed are ${said.first} to ${said.last}`);
    }
    if (exported.from !== header.from || exported.to !== header.to)
      find(`it says ${header.from} to ${header.to}; signed is ${exported.from} to ${exported.to}`);
    if (exported.sha256 !== hash.digest('hex')) find('it is not the file that was signed');
  }
  const [made] = manifest?.records ?? [];
  return {
    sound: problems.length === 0,
    from: header?.from ?? '',
    to: header?.to ?? '',
    host: seen.host.count,
    keeper: seen.keeper.count,
    exportedAt: made?.at ?? '',
    exportedBy: made?.actor ?? '',
    problems,
  };
}

/** What the keeper signed of the file; undefined where it signed nothing. */
function checkManifest(
  { records, checkpoint }: Manifest,
  publicKeyPem: string,
  find: (problem: string) => void,
): AuditExported | undefined {
  let previous: AuditRecord | undefined;
  for (const record of records) {
    const follows = !previous || (record.seq === previous.seq + 1 && record.previousHash === previous.hash);
    if (!follows || hashOf(record) !== record.hash) {
      find(`record ${record.seq} of the manifest was changed`);
      return undefined;
    }
    previous = record;
  }
  if (checkpoint.chain !== 'host' || checkpoint.seq !== previous?.seq || checkpoint.hash !== previous.hash) {
    find('the signature is not for this manifest');
    return undefined;
  }
  if (!isSigned(checkpoint, publicKeyPem)) {
    find('the signature is not of this key: it was made by another installation, or changed');
    return undefined;
  }
  const [made] = records;
  const exported = AuditExported.safeParse(parseJson(made?.detail ?? ''));
  if (made?.type === 'audit.exported' && exported.success) return exported.data;
  find('the manifest is not the record of an export');
  return undefined;
}

function isSigned(checkpoint: Manifest['checkpoint'], publicKeyPem: string): boolean {
  try {
    const signature = Buffer.from(checkpoint.signature, 'base64');
    return verifySignature(null, Buffer.from(checkpointText(checkpoint)), publicKeyPem, signature);
  } catch {
    return false;
  }
}

function hashOf(record: AuditRecord): string {
  return createHash('sha256').update(auditRecordText(record)).digest('hex');
}

function parseLine(text: string): AuditExportLine | undefined {
  const parsed = AuditExportLine.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

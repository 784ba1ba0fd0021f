import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guarantee } from '@openlegion/contract/control-api';
import { dataPaths } from '@openlegion/contract/installation';
import { z } from 'zod';
import type { SupervisorFile } from '../supervisor/supervisor-file.ts';
import { captureVaultAdmin } from '../vault-admin/run-vault-admin.ts';
import { searchOwnMemory } from './search-own-memory.ts';

/** What can only be seen from outside of the host: its files, the vault's users, this process itself. */
export async function checkInstallation(options: {
  home: string;
  running: SupervisorFile;
  prefix: string;
}): Promise<Guarantee[]> {
  const { home, running, prefix } = options;
  return [
    checkFileModes(home),
    checkCoreDumps(running.pid),
    checkVaultUsers(running),
    checkOwnProcesses(running.pid, prefix),
    await checkNamesOnly(running.run, prefix),
    checkOwnMemory(prefix),
  ];
}

function guarantee(
  id: string,
  area: Guarantee['area'],
  promise: string,
  result: { verdict: Guarantee['verdict']; evidence: string; why?: string },
): Guarantee {
  return { id, area, promise, why: '', ...result };
}

/** Files that hold or unlock something, and the logs: only their owner may read them. */
function checkFileModes(home: string): Guarantee {
  const data = dataPaths(home);
  const paths = [data.vaultKey, data.controlToken, join(data.directory, 'mesh.db'), join(home, '.env')];
  for (const directory of [data.logs, data.keeperDirectory]) {
    try {
      paths.push(...readdirSync(directory).map((name) => join(directory, name)));
    } catch {
      // Not ours to list: then it is not others' either.
    }
  }
  const seen = paths
    .filter((path) => existsSync(path))
    .map((path) => ({ path, mode: lstatSync(path).mode & 0o777 }));
  const open = seen.filter(({ mode }) => (mode & 0o077) !== 0);
  return guarantee(
    'host.file-modes',
    'host',
    'Keys, tokens, databases and logs can be read by their owner alone',
    {
      verdict: open.length > 0 ? 'broken' : 'holds',
      evidence: (open.length > 0 ? open : seen)
        .map(({ path, mode }) => `${mode.toString(8).padStart(4, '0')} ${path}`)
        .join('\n'),
      why: open.length > 0 ? 'These files are open to others: chmod 600.' : '',
    },
  );
}

function checkCoreDumps(pid: number): Guarantee {
  const promise = 'A crash writes no core dump of the processes that run the fleet';
  const processes = descendants(pid);
  const limits = processes.map(({ pid: id, name }) => {
    const line =
      readProc(id, 'limits')
        ?.split('\n')
        .find((text) => text.startsWith('Max core file size')) ?? '';
    return { name, id, soft: /size\s+(\S+)/.exec(line)?.[1] ?? 'unknown' };
  });
  if (limits.length === 0 || limits.every(({ soft }) => soft === 'unknown')) {
    return guarantee('host.no-core-dumps', 'host', promise, {
      verdict: 'cannot_be_given',
      evidence: 'the limits of the processes cannot be read here',
      why: 'This needs /proc of Linux.',
    });
  }
  const dumping = limits.filter(({ soft }) => soft !== '0');
  return guarantee('host.no-core-dumps', 'host', promise, {
    verdict: dumping.length > 0 ? 'broken' : 'holds',
    evidence: limits.map(({ name, id, soft }) => `${name} (pid ${id}): core limit ${soft}`).join('\n'),
    why: dumping.length > 0 ? 'Start OpenLegion with ./openlegion, which sets the limit to 0.' : '',
  });
}

function checkVaultUsers({ pid, vaultHasOwnUids }: SupervisorFile): Guarantee {
  const promise = 'The keeper and the gateway each run as a user of their own';
  const id = 'host.vault-users';
  const uids = descendants(pid).map(({ pid: child, name }) => ({
    name,
    uid: /^Uid:\s+(\d+)/m.exec(readProc(child, 'status') ?? '')?.[1] ?? 'unknown',
  }));
  const evidence = uids.map(({ name, uid }) => `${name}: uid ${uid}`).join('\n');
  if (!vaultHasOwnUids) {
    return guarantee(id, 'host', promise, {
      verdict: 'cannot_be_given',
      evidence,
      why: 'Only root can give processes users of their own; start OpenLegion as root to have this.',
    });
  }
  const uidOf = (name: string) => uids.find((found) => found.name === name)?.uid;
  const keeper = uidOf('keeper');
  const gateway = uidOf('gateway');
  const own =
    keeper !== undefined && gateway !== undefined && keeper !== '0' && gateway !== '0' && keeper !== gateway;
  return guarantee(id, 'host', promise, {
    verdict: own ? 'holds' : 'broken',
    evidence,
    why: own ? '' : 'They should have been given up root at their start; see data/logs.',
  });
}

/** No part may have a canary, or any credential's variable, in its environment or arguments. */
function checkOwnProcesses(pid: number, prefix: string): Guarantee {
  const searched: string[] = [];
  const found: string[] = [];
  for (const { pid: id, name } of [
    ...descendants(pid),
    { pid, name: 'supervisor' },
    { pid: process.pid, name: 'cli' },
  ]) {
    for (const file of ['environ', 'cmdline'] as const) {
      const text = readProc(id, file);
      if (text === null) continue;
      searched.push(`${name}/${file}`);
      if (text.includes(prefix) || /OPENLEGION_(?:SYSTEM|CRED)_[A-Z0-9_]+=/.test(text))
        found.push(`${name}/${file} (pid ${id})`);
    }
  }
  return guarantee(
    'credentials.clean-processes',
    'credentials',
    'No process has a credential in its environment or arguments',
    {
      verdict: found.length > 0 ? 'broken' : searched.length > 0 ? 'holds' : 'cannot_be_given',
      evidence: found.length > 0 ? `found in ${found.join(', ')}` : `searched: ${searched.join(', ')}`,
      why:
        found.length > 0
          ? 'Start OpenLegion with ./openlegion.'
          : searched.length > 0
            ? ''
            : 'This needs /proc of Linux.',
    },
  );
}

/** This process planted the canaries without seeing one; a string made for the test shows that the search works. */
function checkOwnMemory(prefix: string): Guarantee {
  const control = `CONTROL${randomBytes(8).toString('hex')}`;
  const planted = Buffer.from(`${control}${randomBytes(16).toString('hex')}`);
  const results = searchOwnMemory([prefix, control]);
  const canaries = results?.get(prefix);
  const controls = results?.get(control);
  const works = planted.length > 0 && controls !== undefined && controls.found > 0;
  return guarantee(
    'credentials.cli-memory',
    'credentials',
    'No planted credential is in the memory of the command that planted them',
    {
      verdict: !canaries || !works ? 'cannot_be_given' : canaries.found > 0 ? 'broken' : 'holds',
      evidence: canaries
        ? `cli (pid ${process.pid}): ${Math.round(canaries.bytes / 1e6)} MB read, ${canaries.found} found; a string planted for the test was found: ${works}`
        : 'the memory of this process cannot be read here',
      why:
        !canaries || !works
          ? 'This needs /proc of Linux.'
          : canaries.found > 0
            ? 'A value reached the command line.'
            : '',
    },
  );
}

/** The list of credentials shows names, never a value. */
async function checkNamesOnly(run: string, prefix: string): Promise<Guarantee> {
  const listed = await captureVaultAdmin(['list', '--run', run, '--json']);
  const leaked = `${listed.stdout}${listed.stderr}`.includes(prefix);
  const names = [...listed.stdout.matchAll(/"name":\s*"([^"]+)"/g)].length;
  return guarantee(
    'credentials.names-only',
    'credentials',
    'Listing the vault shows names and never a value',
    {
      verdict: leaked || listed.code !== 0 ? 'broken' : 'holds',
      evidence: `${names} names listed, canaries included; no value among them: ${!leaked}`,
      why: leaked
        ? 'A value was shown.'
        : listed.code !== 0
          ? `The list failed: ${listed.stderr.trim()}`
          : '',
    },
  );
}

const ProcStatus = z.object({ name: z.string(), parent: z.number() });

/** The supervisor's parts, by the program they run. */
function descendants(pid: number): { pid: number; name: string }[] {
  const found: { pid: number; name: string }[] = [];
  for (const entry of existsSync('/proc') ? readdirSync('/proc') : []) {
    const id = Number(entry);
    if (!Number.isInteger(id)) continue;
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readProc(id, 'status') ?? '')?.[1] ?? -1);
    const program = /packages\/(?:vault\/src\/)?([a-z]+)\/(?:src\/)?main\.ts/.exec(
      readProc(id, 'cmdline') ?? '',
    );
    const status = ProcStatus.safeParse({ name: program?.[1], parent });
    if (status.success && status.data.parent === pid) found.push({ pid: id, name: status.data.name });
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}

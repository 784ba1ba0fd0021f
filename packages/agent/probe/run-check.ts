import type { ClientHttp2Session } from 'node:http2';
import { fillDisk, forkBomb, memoryBomb, openFiles, spin } from './checks/bombs.ts';
import { tryEgress } from './checks/egress.ts';
import { readEnvironments } from './checks/environments.ts';
import { readMounts, walkFiles } from './checks/files.ts';
import { callMesh, holdUnread } from './checks/mesh-calls.ts';
import { connectOut, readNetwork } from './checks/network.ts';
import { readProcesses } from './checks/processes.ts';
import { tryKernel } from './checks/python.ts';
import { findSecrets } from './checks/secrets.ts';
import { tryWrites } from './checks/writes.ts';

type Check = (args: never, inner: Promise<ClientHttp2Session>) => unknown;

const CHECKS = new Map<string, Check>([
  ['processes', readProcesses],
  ['environments', readEnvironments],
  ['mounts', readMounts],
  ['files', walkFiles],
  ['writes', tryWrites],
  ['network', readNetwork],
  ['outbound', connectOut],
  ['kernel', tryKernel],
  ['secrets', findSecrets],
  ['mesh-calls', callMesh],
  ['egress', tryEgress],
  ['unread-uploads', holdUnread],
  ['fork-bomb', forkBomb],
  ['memory-bomb', memoryBomb],
  ['disk-bomb', fillDisk],
  ['fd-bomb', openFiles],
  ['spin', spin],
]);

/** What was asked for comes from the host that started us, so arguments are taken as they are. */
export async function runCheck(
  name: string,
  args: unknown,
  inner: Promise<ClientHttp2Session>,
): Promise<unknown> {
  const check = CHECKS.get(name);
  if (!check) throw new Error(`no check is named ${name}`);
  return check(args as never, inner);
}

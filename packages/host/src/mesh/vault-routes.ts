import { CaptureSecret, GenerateSecret, type VaultView } from '@openlegion/contract/mesh-api';
import type { KeeperClient } from '../vault/keeper-client.ts';
import type { MeshRoute } from './mesh-routes.ts';
import { readJsonBody } from './read-json-body.ts';

const REQUEST_BYTES = 64 * 1024;

type Granted = Awaited<ReturnType<KeeperClient['vaultView']>>['credentials'][number];

/** Credentials as an agent sees them: names, handles and places. The keeper is told who asks by us, never by it. */
export function vaultRoutes(keeper: KeeperClient): readonly MeshRoute[] {
  return [
    {
      method: 'GET',
      path: '/mesh/vault',
      zone: 1,
      permission: 'self',
      async run({ name }): Promise<VaultView> {
        const { credentials } = await keeper.vaultView(name);
        return { credentials: credentials.map(viewOf) };
      },
    },
    {
      method: 'GET',
      path: '/mesh/vault/key',
      zone: 1,
      permission: 'allowed_apis: vault',
      run: () => keeper.captureKey(),
    },
    {
      method: 'POST',
      path: '/mesh/vault/generate',
      zone: 1,
      permission: 'allowed_apis: vault',
      async run({ name: agent }, { stream }) {
        const secret = await readJsonBody(stream, GenerateSecret, REQUEST_BYTES);
        return handleOf(await keeper.generate({ agent, ...secret }));
      },
    },
    {
      method: 'POST',
      path: '/mesh/vault/capture',
      zone: 1,
      permission: 'allowed_apis: vault',
      async run({ name: agent }, { stream }) {
        const secret = await readJsonBody(stream, CaptureSecret, REQUEST_BYTES);
        return handleOf(await keeper.capture({ agent, ...secret }));
      },
    },
  ];
}

function viewOf({ name, environment, bindings, version, createdAt, lastUsedAt, own }: Granted) {
  return {
    name,
    handle: handle(name),
    hosts: bindings.map(({ host, port }) => (port === 443 ? host : `${host}:${port}`)),
    allows: [
      ...new Set(
        bindings.flatMap(({ allow }) => allow.map(({ methods, path }) => `${methods.join(', ')} ${path}`)),
      ),
    ],
    environment,
    version,
    createdAt,
    lastUsedAt,
    own,
  };
}

function handleOf({ name, version }: { name: string; version: number }) {
  const short = name.replace(/^OPENLEGION_CRED_/, '').toLowerCase();
  return { name: short, handle: handle(short), version };
}

function handle(name: string): string {
  return `$CRED{${name}}`;
}

import { isDeepStrictEqual } from 'node:util';
import { CaptureSecret, GenerateSecret, type VaultView } from '@openlegion/contract/mesh-api';
import type { KeeperClient } from '../vault/keeper-client.ts';
import { jsonRoute, type MeshRoute } from './mesh-routes.ts';

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
      tool: { names: ['vault_list', 'vault_status'], covers: () => true },
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
      // A public key: what is sealed to it goes through the route below.
      tool: null,
      run: () => keeper.captureKey(),
    },
    jsonRoute({
      method: 'POST',
      path: '/mesh/vault/generate',
      zone: 1,
      permission: 'allowed_apis: vault',
      tool: { names: ['vault_generate_secret'] },
      schema: GenerateSecret,
      maxBytes: REQUEST_BYTES,
      run: async ({ name: agent }, _, secret) => handleOf(await keeper.generate({ agent, ...secret })),
    }),
    jsonRoute({
      method: 'POST',
      path: '/mesh/vault/capture',
      zone: 1,
      permission: 'allowed_apis: vault',
      // What was on the page nobody has seen: approved is the name, and where the secret may go.
      tool: {
        names: ['vault_capture_from_page'],
        covers: ({ name, hosts }, { body }) => name === body.name && isDeepStrictEqual(hosts, body.hosts),
      },
      schema: CaptureSecret,
      maxBytes: REQUEST_BYTES,
      run: async ({ name: agent }, _, secret) => handleOf(await keeper.capture({ agent, ...secret })),
    }),
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

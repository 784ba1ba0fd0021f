import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import { CaptureKey, SecretHandle, VaultView } from '@openlegion/contract/mesh-api';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { settingsOf } from '../config/load-config.ts';
import { fixtureConfig, startFixture } from '../test/host-fixture.ts';
import { asAgent, askMesh } from './test/ask-mesh.ts';

const PLACEHOLDER = `olp_${'a'.repeat(40)}`;
const GITHUB = {
  name: 'github',
  placeholder: PLACEHOLDER,
  environment: ['GITHUB_TOKEN'],
  bindings: [
    {
      host: 'api.github.com',
      port: 443,
      header: 'authorization',
      scheme: 'bearer' as const,
      user: '',
      allow: [{ methods: ['GET', 'HEAD'], path: '/**' }],
      deny: [{ methods: ['*'], path: '/authorizations' }],
    },
    {
      host: 'git.internal',
      port: 8443,
      header: 'authorization',
      scheme: 'basic' as const,
      user: 'x',
      allow: [{ methods: ['GET', 'HEAD'], path: '/**' }],
      deny: [],
    },
  ],
  version: 2,
  createdAt: '2026-11-21T00:00:00.000Z',
  lastUsedAt: null,
  own: false,
};

function vaultConfig() {
  const { mesh } = fixtureConfig();
  const agents = AgentsConfig.parse({ agents: { alice: {} } });
  const permissions = PermissionsConfig.parse({ permissions: { alice: { allowed_apis: ['vault'] } } });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

test('an agent sees the names, places and handles of what it was granted, and no placeholder', async () => {
  await asAgent('carol', async ({ mesh }, { vault }) => {
    vault.credentials = [GITHUB];
    const answer = await askMesh(mesh, 'GET', '/mesh/vault');
    assert.deepEqual(answer.as(VaultView).credentials, [
      {
        name: 'github',
        handle: '$CRED{github}',
        hosts: ['api.github.com', 'git.internal:8443'],
        allows: ['GET, HEAD /**'],
        environment: ['GITHUB_TOKEN'],
        version: 2,
        createdAt: GITHUB.createdAt,
        lastUsedAt: null,
        own: false,
      },
    ]);
    assert.doesNotMatch(answer.text, /olp_/);
  });
});

test('a secret is made and handed over in the name of the pipe’s agent; only a handle comes back', async () => {
  const secrets: unknown[] = [];
  await using fixture = await startFixture({
    config: vaultConfig(),
    async turn({ mesh, end }) {
      const key = await askMesh(mesh, 'GET', '/mesh/vault/key');
      assert.match(key.as(CaptureKey).publicKeyPem, /PUBLIC KEY/);
      const made = { name: 'key', hosts: ['a.example'] };
      const handle = { name: 'agent_alice_key', handle: '$CRED{agent_alice_key}', version: 1 };
      const generated = await askMesh(mesh, 'POST', '/mesh/vault/generate', made, {
        'x-openlegion-agent': 'bob',
      });
      assert.deepEqual(generated.as(SecretHandle), handle);
      const captured = await askMesh(mesh, 'POST', '/mesh/vault/capture', { ...made, sealed: 'AAAA' });
      assert.deepEqual(captured.as(SecretHandle), handle);
      for (const bad of [
        { ...made, agent: 'bob' },
        { ...made, name: 'Key' },
        { ...made, hosts: [] },
        { ...made, length: 4 },
        { ...made, value: 'x' },
      ])
        assert.equal((await askMesh(mesh, 'POST', '/mesh/vault/generate', bad)).status, 400);
      const large = { ...made, sealed: 'A'.repeat(70_000) };
      assert.equal((await askMesh(mesh, 'POST', '/mesh/vault/capture', large)).status, 413);
      end('ok');
    },
  });
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  secrets.push(...fixture.vault.secrets);
  assert.deepEqual(secrets, [
    { agent: 'alice', name: 'key', hosts: ['a.example'], length: 40 },
    { agent: 'alice', name: 'key', hosts: ['a.example'], sealed: 'AAAA' },
  ]);
});

test('an agent is told its authority and placeholders at its start; the operator’s come before its own', async () => {
  await using fixture = await startFixture({});
  const other = `olp_${'b'.repeat(40)}`;
  fixture.vault.credentials = [
    GITHUB,
    {
      ...GITHUB,
      name: 'agent_alice_x',
      placeholder: other,
      own: true,
      environment: ['GITHUB_TOKEN', 'OTHER'],
    },
  ];
  const { messageId } = await fixture.send('alice', 'x');
  await fixture.trace(messageId);
  assert.deepEqual(fixture.backend.sandboxes[0]?.start?.egress, {
    authorityPem: 'CA 1 of alice',
    environment: { GITHUB_TOKEN: PLACEHOLDER, OTHER: other },
  });
});

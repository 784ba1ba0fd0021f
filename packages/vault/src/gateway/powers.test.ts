import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeKeeper } from './test/fake-keeper.ts';
import { json, startFakeProvider } from './test/fake-provider.ts';
import { startGateway, testProvider } from './test/start-gateway.ts';
import { ANSWERS, DIALECT_NAMES, type DialectName } from './test/wire-shapes.ts';

/** What the key of a provider can do beside answering: stored state, later work, training, administration. */
const POWERS: Record<DialectName, string[]> = {
  'openai-chat': [
    ...['files', 'files/f/content', 'uploads', 'batches', 'batches/b/cancel', 'fine_tuning/jobs', 'models'],
    ...['models/ft:m', 'chat/completions/c1', 'chat/completions/c1/messages', 'completions', 'moderations'],
    ...['images/generations', 'images/edits', 'videos', 'audio/speech', 'audio/transcriptions', 'realtime'],
    ...[
      'realtime/client_secrets',
      'assistants',
      'threads',
      'threads/runs',
      'threads/t/runs',
      'vector_stores',
    ],
    ...['vector_stores/v/files', 'evals', 'containers', 'skills', 'graders/run', 'webhooks', 'conversations'],
    ...['organization/admin_api_keys', 'organization/users', 'organization/projects', 'organization/costs'],
    ...['organization/projects/p/service_accounts', 'organization/invites', 'organization/audit_logs'],
    ...[
      'responses',
      'chatkit/sessions',
      'credits',
      'keys',
      'key',
      'user/balance',
      'agents',
      'ocr',
      'fim/completions',
    ],
  ],
  'openai-responses': [
    ...['responses/r1', 'responses/r1/cancel', 'responses/r1/input_items', 'responses/compact'],
    ...['responses/input_tokens', 'conversations', 'conversations/c/items', 'chat/completions', 'embeddings'],
    ...['files', 'batches', 'fine_tuning/jobs', 'vector_stores', 'containers', 'organization/admin_api_keys'],
  ],
  anthropic: [
    ...[
      'messages/batches',
      'messages/batches/b/results',
      'messages/count_tokens',
      'complete',
      'models',
      'files',
    ],
    ...[
      'files/f/content',
      'skills',
      'skills/s/versions',
      'agents',
      'environments',
      'sessions',
      'memory_stores',
    ],
    ...['organizations/me', 'organizations/api_keys', 'organizations/users', 'organizations/invites'],
    ...['organizations/workspaces', 'organizations/usage_report/messages', 'organizations/cost_report'],
    ...['experimental/generate_prompt', 'user_profiles'],
  ],
  google: [
    ...[
      'files',
      'files/f',
      'cachedContents',
      'cachedContents/c',
      'tunedModels',
      'tunedModels/t:generateContent',
    ],
    ...[
      'tunedModels/t/permissions',
      'corpora',
      'corpora/c/documents',
      'fileSearchStores',
      'models',
      'models/m',
    ],
    ...[
      'models/m:countTokens',
      'models/m:predict',
      'models/m:predictLongRunning',
      'models/m:batchGenerateContent',
    ],
    ...[
      'models/m:asyncBatchEmbedContent',
      'models/m:generateAnswer',
      'models/m:streamGenerateContent?alt=json',
    ],
    ...[
      'batches',
      'operations/o',
      'dynamic/d:generateContent',
      'auth_tokens',
      'interactions',
      'openai/models',
    ],
  ],
};

for (const dialect of DIALECT_NAMES)
  test(`${dialect}: what else the key could do is out of reach, by every method and version`, async () => {
    const keeper = createFakeKeeper();
    await using provider = await startFakeProvider(json({}));
    await using gateway = await startGateway({ keeper, catalog: [testProvider(dialect, provider.origin)] });
    for (const path of POWERS[dialect])
      for (const version of ['', 'v1/', 'v1beta/', 'v1/v1/'])
        for (const method of ['POST', 'GET', 'DELETE']) {
          const answer = await gateway.call(`${dialect}/${version}${path}`, ANSWERS[dialect].ask, { method });
          assert.ok([400, 403].includes(answer.status), `${method} ${version}${path}: ${answer.status}`);
        }
    assert.deepEqual(keeper.reserved, []);
    assert.deepEqual(provider.seen, []);
  });

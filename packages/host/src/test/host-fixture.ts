import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { AgentsConfig } from '@openlegion/contract/agents-config';
import type { AuditRecord } from '@openlegion/contract/audit-record';
import {
  AuditPage,
  FleetEvent,
  FleetStatus,
  MessageAccepted,
  MessageView,
} from '@openlegion/contract/control-api';
import { dataPaths } from '@openlegion/contract/installation';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import { PermissionsConfig } from '@openlegion/contract/permissions-config';
import { type Clock, createSystemClock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import { settingsOf } from '../config/load-config.ts';
import { createFakeBackend, type FakeBackend, type FakeTurn } from '../fleet/test/fake-backend.ts';
import { connectPipe } from '../pipe/connect-pipe.ts';
import { type Host, startHost } from '../start-host.ts';
import { type FakeVault, startFakeVault } from '../vault/test/fake-vault.ts';
import { type Answer, answerOf } from './answer.ts';

/** alice may message bob and whoever can `sum`; bob may do nothing but call models; carol nothing at all. */
export function fixtureConfig(): FleetConfig {
  const mesh = MeshConfig.parse({ llm: { default_model: 'scripted/a' } });
  const agents = AgentsConfig.parse({
    agents: {
      alice: { role: 'lead' },
      bob: { capabilities: ['sum'] },
      carol: {},
      dave: { capabilities: ['sum'] },
    },
  });
  const permissions = PermissionsConfig.parse({
    permissions: {
      alice: {
        can_message: ['bob', 'dave', 'alice', 'ghost'],
        allowed_apis: ['llm'],
        allowed_tools: { '*': 'allow' },
      },
      bob: { allowed_apis: ['llm'], can_message: ['alice'] },
    },
  });
  return { mesh, agents: settingsOf(mesh, agents, permissions), extraRootsPem: null };
}

export interface Fixture extends AsyncDisposable {
  home: string;
  run: string;
  host: Host;
  vault: FakeVault;
  backend: FakeBackend;
  token: string;
  logs: string[];
  /** A request to the control API with its token. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Every event of the message's trace, until it has settled. */
  trace(messageId: string): Promise<FleetEvent[]>;
  send(agent: string, text: string, more?: object): Promise<MessageAccepted>;
  message(id: string): Promise<MessageView>;
  status(): Promise<FleetStatus>;
  /** The host's chain. */
  audit(): Promise<AuditRecord[]>;
}

/** A whole host with real store, pipe and ports; the containers and the vault are made by hand. */
export async function startFixture(options: {
  turn?: (turn: FakeTurn) => void | Promise<void>;
  config?: FleetConfig;
  readConfig?: () => FleetConfig;
  diskIsFull?: () => boolean;
  clock?: Clock;
  home?: string;
}): Promise<Fixture> {
  const home = options.home ?? mkdtempSync(`${tmpdir()}/openlegion-host-`);
  const run = mkdtempSync(`${tmpdir()}/olr-`);
  mkdirSync(dataPaths(home).directory, { recursive: true });
  const vault = await startFakeVault(run);
  const backend = createFakeBackend(options.turn ?? ((turn) => turn.end(`echo: ${turn.text}`)));
  const logs: string[] = [];
  const host = await startHost({
    settings: { home, run, sandbox: false, port: 0, vaultHasOwnUids: false },
    config: options.config ?? fixtureConfig(),
    readConfig: options.readConfig ?? fixtureConfig,
    version: '0',
    installation: 'test',
    clock: options.clock ?? createSystemClock(),
    connectPipe,
    sandboxes: async () => ({
      backend,
      image: 'image',
      imageFor: async ({ name }) => (name === 'plain' ? 'image' : name),
    }),
    capabilities: () => backend.capabilities(),
    engineProblem: () => 'it is being made ready',
    diskIsFull: options.diskIsFull ?? (() => false),
    createVerify: (parts) => async () => {
      const answers = await parts.answers();
      if (answers.some(({ text }) => text.includes('unauthenticated'))) throw new Error('answers');
      return { guarantees: [], enforcement: { grants: [], tools: [] } };
    },
    log: (line) => logs.push(line),
  });
  const token = readFileSync(dataPaths(home).controlToken, 'utf8').trim();

  const ask: Fixture['ask'] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const sent = request({
        port: host.port,
        host: '127.0.0.1',
        method,
        path,
        agent: false,
        headers: { authorization: `Bearer ${token}`, ...headers },
      });
      sent.on('error', reject);
      sent.on('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve(answerOf(answer.statusCode ?? 0, answer.headers, text)));
      });
      sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
    });

  return {
    home,
    run,
    host,
    vault,
    backend,
    token,
    logs,
    ask,
    async trace(messageId) {
      const { text } = await ask('GET', `/api/events?message=${messageId}`);
      return text
        .split('\n')
        .flatMap((line) => (line.startsWith('data: ') ? [FleetEvent.parse(JSON.parse(line.slice(6)))] : []));
    },
    message: async (id) => (await ask('GET', `/api/messages/${id}`)).as(MessageView),
    status: async () => (await ask('GET', '/api/status')).as(FleetStatus),
    audit: async () => (await ask('GET', '/api/audit?limit=1000')).as(AuditPage).records,
    async send(agent, text, more = {}) {
      const answer = await ask('POST', `/api/agents/${agent}/messages`, { text, ...more });
      if (answer.status !== 202) throw new Error(answer.text);
      return answer.as(MessageAccepted);
    },
    async [Symbol.asyncDispose]() {
      await host.stop();
      await vault[Symbol.asyncDispose]();
      if (options.home === undefined) rmSync(home, { recursive: true, force: true });
      rmSync(run, { recursive: true, force: true });
    },
  };
}

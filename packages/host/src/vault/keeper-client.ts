import { connect, type Socket } from 'node:net';
import type { AuditCheckpoint, AuditRecord } from '@openlegion/contract/audit-record';
import type { Costs } from '@openlegion/contract/costs';
import { type AgentSecret, KEEPER_LINE_BYTES, type Policy } from '@openlegion/contract/keeper-protocol';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { KEEPER_ANSWERS, KeeperLine } from './keeper-answers.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const RECONNECT_MS = [100, 250, 500, 1000, 2000, 5000];

type Answer<Op extends keyof typeof KEEPER_ANSWERS> = z.output<(typeof KEEPER_ANSWERS)[Op]>;

/**
 * The host's end of `keeper-host.sock`. Each throws OpenLegionError: the keeper's own refusal, or `unavailable`
 * when it is away or does not answer.
 */
export interface KeeperClient {
  policy(policy: Policy): Promise<{ hash: string }>;
  costs(): Promise<Costs>;
  checkpoint(seq: number, hash: string): Promise<AuditCheckpoint>;
  audit(after: number, limit: number): Promise<{ records: AuditRecord[] }>;
  status(): Promise<Answer<'status'>>;
  names(): Promise<Answer<'names'>>;
  warnings(): Promise<Answer<'warnings'>>;
  vaultView(agent: string): Promise<Answer<'vaultView'>>;
  generate(secret: AgentSecret & { length: number }): Promise<Answer<'generate'>>;
  capture(secret: AgentSecret & { sealed: string }): Promise<Answer<'capture'>>;
  captureKey(): Promise<Answer<'captureKey'>>;
  readonly connected: boolean;
  close(): void;
}

/**
 * Keeps one connection open, for ever: after each loss it connects again, and `onConnect` says what a keeper that
 * has just started must be told.
 */
export function createKeeperClient(options: {
  socketPath: string;
  clock: Clock;
  onConnect: () => void;
}): KeeperClient {
  const { socketPath, clock, onConnect } = options;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let socket: Socket | null = null;
  let connected = false;
  let closed = false;
  let failures = 0;
  let nextId = 1;
  let cancelReconnect: (() => void) | undefined;

  function open(): void {
    const opened = connect(socketPath);
    socket = opened;
    let rest = '';
    opened.setEncoding('utf8');
    opened.on('connect', () => {
      connected = true;
      failures = 0;
      onConnect();
    });
    opened.on('data', (text: string) => {
      rest += text;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > KEEPER_LINE_BYTES || !lines.every(take)) opened.destroy();
    });
    opened.on('error', () => {});
    opened.on('close', () => {
      connected = false;
      for (const { reject } of waiting.values()) reject(away());
      waiting.clear();
      if (closed) return;
      const delay = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)] ?? 5000;
      failures += 1;
      cancelReconnect = clock.after(delay, open);
    });
  }

  /** False for a line that is no answer of a keeper: the connection is then not to be trusted further. */
  function take(line: string): boolean {
    const parsed = KeeperLine.safeParse(parseJson(line));
    if (!parsed.success) return false;
    const entry = waiting.get(parsed.data.id);
    waiting.delete(parsed.data.id);
    if (parsed.data.ok) entry?.resolve(parsed.data.result);
    else entry?.reject(new OpenLegionError(parsed.data.refusal));
    return true;
  }

  async function ask<S extends z.ZodType>(op: string, args: unknown, answer: S): Promise<z.output<S>> {
    if (!socket || !connected) throw away();
    const id = nextId;
    nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.set(id, { resolve, reject });
    const cancel = clock.after(ANSWER_TIMEOUT_MS, () => {
      waiting.delete(id);
      reject(away());
    });
    socket.write(`${JSON.stringify({ id, op, args })}\n`);
    try {
      return answer.parse(await promise);
    } finally {
      cancel();
    }
  }

  open();
  return {
    policy: (policy) => ask('policy', policy, KEEPER_ANSWERS.policy),
    costs: () => ask('costs', {}, KEEPER_ANSWERS.costs),
    checkpoint: (seq, hash) => ask('checkpoint', { chain: 'host', seq, hash }, KEEPER_ANSWERS.checkpoint),
    audit: (after, limit) => ask('audit', { after, limit }, KEEPER_ANSWERS.audit),
    status: () => ask('status', {}, KEEPER_ANSWERS.status),
    names: () => ask('names', {}, KEEPER_ANSWERS.names),
    warnings: () => ask('warnings', {}, KEEPER_ANSWERS.warnings),
    vaultView: (agent) => ask('vaultView', { agent }, KEEPER_ANSWERS.vaultView),
    generate: (secret) => ask('generate', secret, KEEPER_ANSWERS.generate),
    capture: (secret) => ask('capture', secret, KEEPER_ANSWERS.capture),
    captureKey: () => ask('captureKey', {}, KEEPER_ANSWERS.captureKey),
    get connected() {
      return connected;
    },
    close() {
      closed = true;
      cancelReconnect?.();
      socket?.destroy();
    },
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function away(): OpenLegionError {
  return new OpenLegionError({
    code: 'unavailable',
    rule: 'vault.keeper',
    message: 'The keeper does not answer; without it nothing is spent or signed.',
    remedy:
      'It is started again by itself; if this stays, see data/logs and run "./openlegion stop" and "start".',
  });
}

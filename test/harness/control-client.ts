import { readFileSync } from 'node:fs';
import { FleetEvent, FleetStatus, MessageAccepted, MessageView } from '@openlegion/contract/control-api';

/** The control API as a person's programs use it. */
export interface ControlClient {
  port: number;
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; text: string; json(): unknown }>;
  status(): Promise<FleetStatus>;
  send(agent: string, text: string, idempotencyKey?: string): Promise<MessageAccepted>;
  view(messageId: string): Promise<MessageView>;
  /** Of the message's whole trace, to its end. */
  events(messageId: string, after?: number): AsyncGenerator<FleetEvent>;
  /** Sends and waits for the end of the trace. */
  ask(agent: string, text: string): Promise<{ view: MessageView; events: FleetEvent[] }>;
}

export function createControlClient(tokenFile: string): ControlClient {
  const open = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${client.port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const expect = async (wanted: number, method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await open(method, path, body);
    const text = await response.text();
    if (response.status !== wanted) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  const client: ControlClient = {
    port: 0,
    async call(method, path, body) {
      const response = await open(method, path, body);
      const text = await response.text();
      return { status: response.status, text, json: () => JSON.parse(text) };
    },
    status: async () => FleetStatus.parse(await expect(200, 'GET', '/api/status')),
    send: async (agent, text, idempotencyKey) =>
      MessageAccepted.parse(
        await expect(202, 'POST', `/api/agents/${agent}/messages`, {
          text,
          ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        }),
      ),
    view: async (messageId) => MessageView.parse(await expect(200, 'GET', `/api/messages/${messageId}`)),
    async *events(messageId, after = 0) {
      const response = await open('GET', `/api/events?message=${messageId}&after=${after}`);
      if (response.status !== 200 || !response.body) throw new Error(`events: ${response.status}`);
      let text = '';
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const records = text.split('\n\n');
        text = records.pop() ?? '';
        for (const record of records) {
          const data = /^data: ?(.*)$/m.exec(record)?.[1];
          if (data) yield FleetEvent.parse(JSON.parse(data));
        }
      }
    },
    async ask(agent, text) {
      const { messageId } = await client.send(agent, text);
      const events = await all(client.events(messageId));
      return { view: await client.view(messageId), events };
    },
  };
  return client;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

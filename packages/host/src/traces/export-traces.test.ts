import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import type { FleetEvent } from '@openlegion/contract/control-api';
import { MeshConfig } from '@openlegion/contract/mesh-config';
import type { TraceView } from '@openlegion/contract/trace';
import { z } from 'zod';
import { createManualClock } from '../manual-clock.ts';
import { buildSpans } from './build-spans.ts';
import { createTraceExport } from './export-traces.ts';
import { otlpPayload } from './otlp-payload.ts';
import { groupSpans, summariseTrace } from './summarise-trace.ts';
import { SECRET, sampleTrace } from './test/sample-trace.ts';

const Attribute = z.strictObject({
  key: z.string(),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
    z.strictObject({ boolValue: z.boolean() }),
  ]),
});
/** What a receiver of OTLP's JSON encoding takes. */
const Payload = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(Attribute) }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(
            z.strictObject({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z
                .string()
                .regex(/^[0-9a-f]{16}$/)
                .optional(),
              name: z.string().min(1),
              kind: z.int().min(1).max(5),
              startTimeUnixNano: z.string().regex(/^\d{19}$/),
              endTimeUnixNano: z.string().regex(/^\d{19}$/),
              attributes: z.array(Attribute),
              status: z.strictObject({ code: z.int().min(0).max(2) }),
            }),
          ),
        }),
      ),
    }),
  ),
});

function sampleView(): TraceView {
  const parts = sampleTrace();
  const spans = buildSpans(parts);
  return { summary: summariseTrace(parts.messages, spans), spans, groups: groupSpans(spans), missing: [] };
}

function spansOf(payload: unknown) {
  const spans = Payload.parse(payload).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
  return spans.map((span) => ({
    ...span,
    attributes: new Map(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  }));
}

test('the payload is OTLP with the GenAI conventions, every parent is there, and no text', () => {
  const payload = otlpPayload(sampleView(), { version: '1', withText: false });
  const spans = spansOf(payload);
  const ids = new Set(spans.map(({ spanId }) => spanId));
  assert.equal(ids.size, spans.length);
  assert.ok(spans.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId)));
  assert.ok(spans.every(({ startTimeUnixNano, endTimeUnixNano }) => startTimeUnixNano <= endTimeUnixNano));
  const chat = spans.find(({ name }) => name === 'chat b') ?? assert.fail();
  assert.equal(chat.kind, 3);
  assert.deepEqual(
    [
      'operation.name',
      'provider.name',
      'request.model',
      'usage.input_tokens',
      'usage.output_tokens',
      'agent.name',
    ].map((key) => chat.attributes.get(`gen_ai.${key}`)),
    ['chat', 'openai', 'b', '812', '34', 'researcher'],
  );
  const tool = spans.find(({ name }) => name === 'execute_tool exec') ?? assert.fail();
  assert.equal(tool.attributes.get('gen_ai.tool.name'), 'exec');
  assert.equal(spans.find(({ name }) => name === 'invoke_agent qualifier')?.status.code, 2);
  assert.equal(
    spans.find(({ name }) => name === 'GET api.example.com')?.attributes.get('http.response.status_code'),
    '200',
  );
  for (const text of ['Go on', 'qualify"', 'curl', 'fine', 'Rate limit', '/v1/x'])
    assert.ok(!JSON.stringify(payload).includes(text), text);
  const withText = JSON.stringify(otlpPayload(sampleView(), { version: '1', withText: true }));
  assert.ok(
    withText.includes('Go on') && withText.includes('gen_ai.input.messages') && !withText.includes(SECRET),
  );
});

async function rig(statuses: number[], telemetry: object) {
  const received: { path: string | undefined; body: unknown }[] = [];
  const arrivals = { wake: () => {} };
  const server = createServer(async (request, response) => {
    received.push({ path: request.url, body: await json(request) });
    response.writeHead(statuses.shift() ?? 200, { 'retry-after': '7' }).end('{}');
    arrivals.wake();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clock = createManualClock();
  const listeners = new Set<(event: FleetEvent) => void>();
  const warnings: string[] = [];
  const settings = MeshConfig.parse({
    telemetry: { otlp_endpoint: `http://127.0.0.1:${port}`, ...telemetry },
  }).telemetry;
  const exporting = createTraceExport({
    telemetry: () => settings,
    events: {
      ...{
        store: never,
        announce: never,
        publish: never,
        record: never,
        readAfter: never,
        lastSeq: never,
        flush: never,
      },
      onEvent(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    traces: { show: async () => sampleView() },
    version: '1',
    clock,
    fetch: globalThis.fetch,
    warn: (line) => warnings.push(line),
  });
  return {
    ...{ received, clock, warnings, exporting },
    settle(traceId: string) {
      const event = {
        seq: 1,
        at: '',
        agent: 'a',
        messageId: 'm',
        traceId,
        event: { type: 'trace_settled' },
      } as const;
      for (const listener of listeners) listener(event);
      clock.advance(2000);
    },
    arrived: () => new Promise<void>((resolve) => (arrivals.wake = resolve)),
    async [Symbol.asyncDispose]() {
      await exporting.stop();
      server.closeAllConnections();
      server.close();
    },
  };
}

function never(): never {
  throw new Error('not used');
}

test('a trace that settles is sent once, and again after what passes', async () => {
  await using sent = await rig([503, 200], {});
  const first = sent.arrived();
  sent.settle('trc_a');
  await first;
  const second = sent.arrived();
  // The pause is the collector's own: seven seconds, where ours would be one.
  while (sent.clock.waiting() === 0) await new Promise(setImmediate);
  sent.clock.advance(6999);
  assert.equal(sent.received.length, 1);
  sent.clock.advance(1);
  await second;
  assert.deepEqual(
    sent.received.map(({ path }) => path),
    ['/v1/traces', '/v1/traces'],
  );
  assert.ok(spansOf(sent.received[1]?.body).length > 5);
  assert.deepEqual(sent.warnings, []);
});

test('what a collector refuses is left out with a word, and nothing is sent without an endpoint', async () => {
  await using refused = await rig([400], {});
  const arrived = refused.arrived();
  refused.settle('trc_a');
  await arrived;
  while (refused.warnings.length === 0) await new Promise(setImmediate);
  assert.match(refused.warnings[0] ?? '', /did not take the trace trc_a \(it answered 400\)/);
  await using silent = await rig([], { otlp_endpoint: undefined });
  silent.settle('trc_a');
  assert.equal(silent.clock.waiting(), 0);
});

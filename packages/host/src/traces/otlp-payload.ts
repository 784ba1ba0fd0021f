import { createHash } from 'node:crypto';
import type { SpanStatus, TraceSpan, TraceView } from '@openlegion/contract/trace';

/** Names of providers as OpenTelemetry's registry of GenAI attributes has them, where they are not ours. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['google', 'gcp.gemini'],
  ['google-vertex', 'gcp.vertex_ai'],
  ['mistral', 'mistral_ai'],
  ['xai', 'x_ai'],
  ['azure', 'azure.ai.openai'],
  ['amazon-bedrock', 'aws.bedrock'],
  ['moonshotai', 'moonshot_ai'],
]);
/** `SpanKind` of OTLP. */
const INTERNAL = 1;
const CLIENT = 3;
/** `StatusCode` of OTLP. */
const UNSET = 0;
const ERROR = 2;
const ERRORS: ReadonlySet<SpanStatus> = new Set(['failed', 'refused', 'cancelled']);

type Value = string | number | boolean | undefined;

/**
 * A settled trace as the body of `POST /v1/traces`: OTLP's JSON encoding (identifiers in hex, 64-bit numbers as
 * strings), attributes after the GenAI semantic conventions. Text of messages, tools and refusals only with
 * `withText`. Pure.
 */
export function otlpPayload(view: TraceView, options: { version: string; withText: boolean }): object {
  const { summary, spans } = view;
  const traceId = idOf(summary.traceId, 16);
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributes({ 'service.name': 'openlegion', 'service.version': options.version }),
        },
        scopeSpans: [
          {
            scope: { name: 'openlegion', version: options.version },
            spans: spans.map((span) => spanOf(span, view, traceId, options.withText)),
          },
        ],
      },
    ],
  };
}

function spanOf(span: TraceSpan, { summary }: TraceView, traceId: string, withText: boolean): object {
  const { name, kind, operation } = shapeOf(span);
  return {
    traceId,
    spanId: idOf(`${summary.traceId}/${span.id}`, 8),
    ...(span.parentId === null ? {} : { parentSpanId: idOf(`${summary.traceId}/${span.parentId}`, 8) }),
    name,
    kind,
    startTimeUnixNano: nanos(span.startedAt),
    endTimeUnixNano: nanos(span.endedAt ?? span.startedAt),
    attributes: attributes({
      'openlegion.kind': span.kind,
      'openlegion.trace.id': summary.traceId,
      'openlegion.claimed': span.claimed || undefined,
      'gen_ai.agent.name': span.agent,
      'gen_ai.conversation.id': summary.traceId,
      ...operation,
      ...(span.costMicroUsd > 0 ? { 'openlegion.cost.micro_usd': span.costMicroUsd } : {}),
      ...(ERRORS.has(span.status) ? { 'error.type': span.status } : {}),
      ...(withText ? textOf(span) : {}),
    }),
    status: { code: ERRORS.has(span.status) ? ERROR : UNSET },
  };
}

function shapeOf(span: TraceSpan): { name: string; kind: number; operation: Record<string, Value> } {
  switch (span.kind) {
    case 'message':
      return {
        name: `invoke_agent ${span.agent}`,
        kind: INTERNAL,
        operation: { 'gen_ai.operation.name': 'invoke_agent' },
      };
    case 'model': {
      const slash = span.name.indexOf('/');
      const provider = span.name.slice(0, Math.max(0, slash));
      const model = span.name.slice(slash + 1);
      return {
        name: `chat ${model}`,
        kind: CLIENT,
        operation: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': PROVIDERS.get(provider) ?? provider,
          'gen_ai.request.model': model,
          'gen_ai.usage.input_tokens': span.inputTokens,
          'gen_ai.usage.output_tokens': span.outputTokens,
        },
      };
    }
    case 'tool':
      return {
        name: `execute_tool ${span.name}`,
        kind: INTERNAL,
        operation: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': span.name,
          'gen_ai.tool.type': 'function',
          'gen_ai.tool.call.id': span.id,
        },
      };
    case 'egress': {
      const [method = '', place = ''] = span.name.split(' ');
      const [, host, port] = /^(.*?):(\d+)(?:\/|$)/.exec(place) ?? [];
      return {
        // The path may hold what a person wrote, and has no bound to its number.
        name: `${method} ${host ?? ''}`.trim(),
        kind: CLIENT,
        operation: {
          'http.request.method': method,
          'server.address': host,
          'server.port': port === undefined ? undefined : Number(port),
          'http.response.status_code': Number(/^\d{3}/.exec(span.output)?.[0]) || undefined,
        },
      };
    }
    default:
      return { name: `openlegion ${span.kind}`, kind: INTERNAL, operation: { 'openlegion.name': span.name } };
  }
}

function textOf({ kind, input, output }: TraceSpan): Record<string, Value> {
  if (kind === 'tool')
    return {
      'gen_ai.tool.call.arguments': input || undefined,
      'gen_ai.tool.call.result': output || undefined,
    };
  const message = (role: string, content: string) =>
    content === '' ? undefined : JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
  if (kind === 'message')
    return {
      'gen_ai.input.messages': message('user', input),
      'gen_ai.output.messages': message('assistant', output),
    };
  return { 'openlegion.output': output || undefined };
}

function attributes(values: Record<string, Value>): { key: string; value: object }[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === 'boolean') return { boolValue: value };
  return typeof value === 'number' ? { intValue: String(value) } : { stringValue: value };
}

/** Ours are longer than OTLP's: the same one always becomes the same. */
function idOf(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, bytes * 2);
}

function nanos(at: string): string {
  return `${Date.parse(at)}000000`;
}

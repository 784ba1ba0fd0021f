import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import {
  anyObject,
  anything,
  boolean,
  type Check,
  counted,
  object as exactly,
  integer,
  isObject,
  list,
  number,
  oneOf,
  onlyOff,
  refused,
  stringOr,
  text,
} from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageData, imageMediaType } from './image.ts';
import { MAX_CHOICES, numeric } from './openai-chat.ts';

/**
 * Google's generateContent, streamGenerateContent (as server-sent events) and embedContent.
 * Fields: ai.google.dev/api/generate-content and /embeddings; each in both spellings that its parser accepts.
 */
const object = (fields: Record<string, Check>, required: readonly string[] = []): Check =>
  exactly(fields, { camelCase: true, required });

const hosted = 'a tool that the provider runs is billed per use, which is not seen here';
const stored = 'it names something stored at the provider, billed as input that is not seen here';

const blob = object({ mimeType: imageMediaType, data: imageData, displayName: text }, ['mimeType', 'data']);
const fileData = refused(stored, 'Send an image as inlineData, other files as text.');
const part = object({
  text,
  inlineData: blob,
  functionCall: object({ id: text, name: text, args: anyObject }),
  functionResponse: object({
    id: text,
    name: text,
    response: anything,
    willContinue: boolean,
    scheduling: text,
    parts: list(object({ inlineData: blob, fileData })),
  }),
  thought: boolean,
  thoughtSignature: text,
  mediaResolution: stringOr(anyObject),
  fileData,
  videoMetadata: refused('video is billed by its length'),
  executableCode: refused(hosted),
  codeExecutionResult: refused(hosted),
  toolCall: refused(hosted),
  toolResponse: refused(hosted),
});
const content = counted('messages', object({ role: text, parts: list(part) }));

const declaration = counted(
  'tools',
  object({
    name: text,
    description: text,
    behavior: text,
    parameters: anyObject,
    parametersJsonSchema: anything,
    response: anyObject,
    responseJsonSchema: anything,
  }),
);
const tool = object({
  functionDeclarations: list(declaration, 512),
  googleSearch: refused(hosted),
  googleSearchRetrieval: refused(hosted),
  googleMaps: refused(hosted),
  urlContext: refused(hosted),
  codeExecution: refused(hosted),
  computerUse: refused(hosted),
  fileSearch: refused(hosted),
  enterpriseWebSearch: refused(hosted),
  retrieval: refused(hosted),
  mcpServers: refused(hosted),
});

const generation = object({
  stopSequences: list(text),
  responseMimeType: oneOf('text/plain', 'application/json', 'text/x.enum'),
  responseSchema: anything,
  responseJsonSchema: anything,
  _responseJsonSchema: anything,
  responseModalities: list(oneOf('TEXT', 'text', 'Text')),
  candidateCount: integer(1, MAX_CHOICES),
  maxOutputTokens: integer(1),
  temperature: number,
  topP: number,
  topK: number,
  seed: integer(Number.MIN_SAFE_INTEGER),
  presencePenalty: number,
  frequencyPenalty: number,
  responseLogprobs: boolean,
  logprobs: integer(0, 20),
  audioTimestamp: boolean,
  mediaResolution: text,
  thinkingConfig: object({ includeThoughts: boolean, thinkingBudget: integer(-1), thinkingLevel: text }),
  enableEnhancedCivicAnswers: boolean,
  speechConfig: refused('audio is billed as a class of token of its own'),
  imageConfig: refused('a picture is billed as a class of token of its own'),
  modelSelectionConfig: refused('it would choose another model than the one whose price is reserved'),
  routingConfig: refused('it would choose another model than the one whose price is reserved'),
});

const body = object(
  {
    model: text,
    contents: list(content, 10_000),
    systemInstruction: stringOr(object({ role: text, parts: list(part) })),
    tools: list(tool, 512),
    toolConfig: object({
      functionCallingConfig: object({
        mode: text,
        allowedFunctionNames: list(text),
        streamFunctionCallArguments: boolean,
      }),
      retrievalConfig: refused(hosted),
      includeServerSideToolInvocations: onlyOff([false], hosted),
    }),
    safetySettings: list(object({ category: text, threshold: text, method: text })),
    generationConfig: generation,
    labels: anyObject,
    cachedContent: refused(stored),
    continuationToken: refused(stored),
    serviceTier: onlyOff(['standard', 'SERVICE_TIER_STANDARD'], 'another service tier has another price'),
    store: onlyOff([false], stored),
  },
  ['contents'],
);

const embedding: Record<string, Check> = {
  model: text,
  content,
  taskType: text,
  title: text,
  outputDimensionality: integer(1),
};
const embedBody = object(embedding, ['content']);
const batchBody = object({ model: text, requests: list(object(embedding, ['content']), 1000) }, ['requests']);

const PATH = /^(?:v1beta\/|v1\/)?models\/([A-Za-z0-9][A-Za-z0-9._-]{0,99}):([A-Za-z]+)$/;
const METHODS = new Map<string, { query: string; stream: boolean; operation: Route['operation'] }>([
  ['generateContent', { query: '', stream: false, operation: 'generate' }],
  ['streamGenerateContent', { query: 'alt=sse', stream: true, operation: 'generate' }],
  ['embedContent', { query: '', stream: false, operation: 'embed' }],
  ['batchEmbedContents', { query: '', stream: false, operation: 'embed' }],
]);

function routeOf(path: string, query: string): Route | null {
  const [, model, name] = PATH.exec(path) ?? [];
  const method = METHODS.get(name ?? '');
  if (model === undefined || !method || query !== method.query) return null;
  const suffix = query === '' ? '' : `?${query}`;
  return {
    operation: method.operation,
    model,
    stream: method.stream,
    target: (id) => `models/${id}:${name}${suffix}`,
  };
}

/** The same prefix on every model of a batch; another model's price is not this one's. */
function named(value: JsonObject, model: string): JsonObject {
  const { requests, model: _given, ...rest } = value;
  if (!Array.isArray(requests)) return rest;
  return {
    ...rest,
    requests: requests.map((request) =>
      isObject(request) ? { ...request, model: `models/${model}` } : request,
    ),
  };
}

export const google: DialectRules = {
  headers: {},
  route: routeOf,

  ask(route: Route, given: JsonObject): Ask {
    const check = route.operation === 'generate' ? body : 'requests' in given ? batchBody : embedBody;
    const tally = emptyTally();
    const checked = check(given, '', tally);
    if (!isObject(checked)) throw new Error('the check of an object returns one');
    const config = isObject(checked.generationConfig) ? checked.generationConfig : {};
    const wanted = numeric(config.maxOutputTokens);
    const embeds = route.operation === 'embed';
    return {
      route,
      model: route.model ?? '',
      stream: route.stream === true,
      choices: numeric(config.candidateCount) ?? 1,
      wantedTokens: embeds ? 0 : wanted,
      minTokens: embeds ? 0 : Math.min(wanted ?? SHORTEST_USEFUL_ANSWER, SHORTEST_USEFUL_ANSWER),
      tally,
      body: checked,
    };
  },

  seal(asked, { model, tokensPerChoice }) {
    const sent = named(asked.body, model);
    if (asked.route.operation === 'embed') return sent;
    const config = isObject(sent.generationConfig) ? sent.generationConfig : {};
    return { ...sent, generationConfig: { ...config, maxOutputTokens: tokensPerChoice } };
  },

  read(answer, reading) {
    for (const candidate of items(field(answer, 'candidates'))) {
      reading.outputBytes += stringBytes(field(field(candidate, 'content'), 'parts'));
      if (typeof field(candidate, 'finishReason') === 'string') reading.stopped = true;
    }
    if (field(field(answer, 'promptFeedback'), 'blockReason') !== undefined) reading.stopped = true;
    const usage = field(answer, 'usageMetadata');
    if (typeof usage !== 'object' || usage === null) return;
    const prompt = count(field(usage, 'promptTokenCount'));
    const total = count(field(usage, 'totalTokenCount'));
    const answered = optional(field(usage, 'candidatesTokenCount'));
    const thought = optional(field(usage, 'thoughtsTokenCount'));
    const toolUse = optional(field(usage, 'toolUsePromptTokenCount'));
    reading.input = prompt === null || toolUse === null ? null : prompt + toolUse;
    reading.output =
      answered === null || thought === null
        ? null
        : Math.max(answered + thought, total === null || reading.input === null ? 0 : total - reading.input);
    reading.cacheRead = count(field(usage, 'cachedContentTokenCount')) ?? 0;
  },
};

/** Protocol buffers leave a zero out. */
function optional(value: unknown): number | null {
  return value === undefined || value === null ? 0 : count(value);
}

import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import * as is from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageData, imageMediaType } from './image.ts';
import { MAX_CHOICES, numeric } from './openai-chat.ts';

/**
 * Google's generateContent, streamGenerateContent (as server-sent events) and embedContent.
 * Fields: ai.google.dev/api/generate-content and /embeddings; each in both spellings that its parser accepts.
 */
const { each, list, oneOf, integer } = is;
const object = (fields: Record<string, is.Check>, ...required: string[]): is.Check =>
  is.object(fields, { camelCase: true, required });

const HOSTED = 'a tool that the provider runs is billed per use, which is not seen here';
const STORED = 'it names something stored at the provider, billed as input that is not seen here';
const ROUTED = 'it would choose another model than the one whose price is reserved';

const inlineData = object(
  { mimeType: imageMediaType, data: imageData, displayName: is.text },
  'mimeType',
  'data',
);
const fileData = is.refused(STORED, 'Send an image as inlineData, other files as text.');
const part = object({
  ...each(is.text, 'text thoughtSignature'),
  inlineData,
  fileData,
  functionCall: object({ ...each(is.text, 'id name'), args: is.anyObject }),
  functionResponse: object({
    ...each(is.text, 'id name scheduling'),
    response: is.anything,
    willContinue: is.boolean,
    parts: list(object({ inlineData, fileData })),
  }),
  thought: is.boolean,
  mediaResolution: is.stringOr(is.anyObject),
  videoMetadata: is.refused('video is billed by its length'),
  ...each(is.refused(HOSTED), 'executableCode codeExecutionResult toolCall toolResponse'),
});
const content = is.counted('messages', object({ role: is.text, parts: list(part) }));

const declaration = object({
  ...each(is.text, 'name description behavior'),
  ...each(is.anyObject, 'parameters response'),
  ...each(is.anything, 'parametersJsonSchema responseJsonSchema'),
});
const tool = object({
  functionDeclarations: list(is.counted('tools', declaration), 512),
  ...each(is.refused(HOSTED), 'googleSearch googleSearchRetrieval googleMaps enterpriseWebSearch urlContext'),
  ...each(is.refused(HOSTED), 'codeExecution computerUse fileSearch retrieval mcpServers'),
});

const generationConfig = object({
  ...each(is.number, 'temperature topP topK presencePenalty frequencyPenalty'),
  ...each(is.anything, 'responseSchema responseJsonSchema _responseJsonSchema'),
  ...each(is.boolean, 'responseLogprobs audioTimestamp enableEnhancedCivicAnswers'),
  stopSequences: list(is.text),
  responseMimeType: oneOf('text/plain', 'application/json', 'text/x.enum'),
  responseModalities: list(oneOf('TEXT', 'text', 'Text')),
  candidateCount: integer(1, MAX_CHOICES),
  maxOutputTokens: integer(1),
  seed: integer(Number.MIN_SAFE_INTEGER),
  logprobs: integer(0, 20),
  mediaResolution: is.text,
  thinkingConfig: object({
    includeThoughts: is.boolean,
    thinkingBudget: integer(-1),
    thinkingLevel: is.text,
  }),
  speechConfig: is.refused('audio is billed as a class of token of its own'),
  imageConfig: is.refused('a picture is billed as a class of token of its own'),
  ...each(is.refused(ROUTED), 'modelSelectionConfig routingConfig'),
});

const body = object(
  {
    model: is.text,
    contents: list(content, 10_000),
    systemInstruction: is.stringOr(object({ role: is.text, parts: list(part) })),
    tools: list(tool, 512),
    toolConfig: object({
      functionCallingConfig: object({
        mode: is.text,
        allowedFunctionNames: list(is.text),
        streamFunctionCallArguments: is.boolean,
      }),
      retrievalConfig: is.refused(HOSTED),
      includeServerSideToolInvocations: is.onlyOff([false], HOSTED),
    }),
    safetySettings: list(object(each(is.text, 'category threshold method'))),
    generationConfig,
    labels: is.anyObject,
    ...each(is.refused(STORED), 'cachedContent continuationToken'),
    serviceTier: is.onlyOff(['standard', 'SERVICE_TIER_STANDARD'], 'another service tier has another price'),
    store: is.onlyOff([false], STORED),
  },
  'contents',
);

const embedding = { ...each(is.text, 'model taskType title'), content, outputDimensionality: integer(1) };
const embedBody = object(embedding, 'content');
const batchBody = object({ model: is.text, requests: list(object(embedding, 'content'), 1000) }, 'requests');

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
      is.isObject(request) ? { ...request, model: `models/${model}` } : request,
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
    if (!is.isObject(checked)) throw new Error('the check of an object returns one');
    const config = is.isObject(checked.generationConfig) ? checked.generationConfig : {};
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
    const config = is.isObject(sent.generationConfig) ? sent.generationConfig : {};
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

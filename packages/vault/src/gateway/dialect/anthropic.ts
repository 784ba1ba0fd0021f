import { count, field, items, type Reading, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import { refuse } from '../refuse.ts';
import {
  anyObject,
  anything,
  boolean,
  type Check,
  counted,
  integer,
  isObject,
  list,
  number,
  object,
  oneOf,
  onlyOff,
  refused,
  stringOr,
  tagged,
  text,
} from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageData, imageMediaType, remoteImage } from './image.ts';
import { numeric } from './openai-chat.ts';

/**
 * Anthropic's messages. Fields: docs.claude.com/en/api/messages. No beta is switched on: `anthropic-beta` is not
 * sent, so what only a beta understands is refused here, where the message is clearer than the provider's.
 */
const hosted = 'a tool that the provider runs is billed per use, which is not seen here';
const files = 'a file is billed by its pages, which cannot be seen from its bytes';

/** A cache of one hour is written at twice the input price (docs.claude.com/en/docs/build-with-claude/prompt-caching). */
const cacheControl: Check = (value, at, tally) => {
  const checked = object({ type: oneOf('ephemeral'), ttl: oneOf('5m', '1h') })(value, at, tally);
  if (isObject(checked) && checked.ttl === '1h') tally.hourCache = true;
  return checked;
};

const citations = anything;
const textBlock = object(
  { type: text, text, cache_control: cacheControl, citations },
  { required: ['text'] },
);
const image = object({
  type: text,
  source: tagged('type', {
    base64: object({ type: text, media_type: imageMediaType, data: imageData }, { required: ['data'] }),
    url: object({ type: text, url: remoteImage }, { required: ['url'] }),
    file: refused('it names something stored at the provider', 'Send the image as base64 data.'),
  }),
  cache_control: cacheControl,
});
const searchResult = object({
  type: text,
  source: text,
  title: text,
  content: list(textBlock),
  citations,
  cache_control: cacheControl,
});
const pages = refused(files, 'Turn the document into text first.');
const document = object({
  type: text,
  source: tagged('type', {
    text: object({ type: text, media_type: oneOf('text/plain'), data: text }),
    content: object({ type: text, content: stringOr(list(tagged('type', { text: textBlock, image }))) }),
    base64: pages,
    url: pages,
    file: pages,
  }),
  title: text,
  context: text,
  citations: object({ enabled: boolean }),
  cache_control: cacheControl,
});

const block = tagged(
  'type',
  {
    text: textBlock,
    image,
    document,
    search_result: searchResult,
    tool_use: object({
      type: text,
      id: text,
      name: text,
      input: anything,
      cache_control: cacheControl,
      caller: object({ type: oneOf('direct') }),
    }),
    tool_result: object({
      type: text,
      tool_use_id: text,
      content: stringOr(
        list(tagged('type', { text: textBlock, image, document, search_result: searchResult })),
      ),
      is_error: boolean,
      cache_control: cacheControl,
    }),
    thinking: object({ type: text, thinking: text, signature: text }),
    redacted_thinking: object({ type: text, data: text }),
  },
  { refusedVariants: () => 'it belongs to a tool or a state that the provider keeps on its own side' },
);

const message = counted(
  'messages',
  object(
    { role: oneOf('user', 'assistant', 'system'), content: stringOr(list(block)) },
    { required: ['role', 'content'] },
  ),
);

const toolFields = { cache_control: cacheControl, defer_loading: onlyOff([false], hosted) };
const clientFields = object({ type: text, name: text, max_characters: integer(1), ...toolFields });
/** Run by the caller, but described by the provider, in up to 700 tokens: counted as 16 tools. */
const clientTool: Check = (value, at, tally) => {
  tally.tools += 15;
  return clientFields(value, at, tally);
};
const tool = counted(
  'tools',
  tagged(
    'type',
    {
      custom: object(
        {
          type: text,
          name: text,
          description: text,
          input_schema: anyObject,
          input_examples: list(anyObject),
          strict: boolean,
          eager_input_streaming: boolean,
          allowed_callers: list(oneOf('direct')),
          ...toolFields,
        },
        { required: ['name', 'input_schema'] },
      ),
      bash_20250124: clientTool,
      text_editor_20250124: clientTool,
      text_editor_20250429: clientTool,
      text_editor_20250728: clientTool,
      memory_20250818: clientTool,
    },
    { missing: 'custom', refusedVariants: () => hosted },
  ),
);

const MIN_THINKING = 1024;

const body = object(
  {
    model: text,
    messages: list(message, 10_000),
    max_tokens: integer(1),
    system: stringOr(list(tagged('type', { text: textBlock }))),
    stream: boolean,
    temperature: number,
    top_p: number,
    top_k: number,
    stop_sequences: list(text),
    metadata: object({ user_id: text }),
    tools: list(tool, 512),
    tool_choice: tagged('type', {
      auto: object({ type: text, disable_parallel_tool_use: boolean }),
      any: object({ type: text, disable_parallel_tool_use: boolean }),
      tool: object({ type: text, name: text, disable_parallel_tool_use: boolean }),
      none: object({ type: text }),
    }),
    thinking: tagged('type', {
      enabled: object(
        { type: text, budget_tokens: integer(MIN_THINKING), display: text },
        { required: ['budget_tokens'] },
      ),
      disabled: object({ type: text }),
      adaptive: object({ type: text, display: text }),
    }),
    output_config: object({
      effort: text,
      format: object({ type: oneOf('json_schema'), schema: anyObject }),
      task_budget: object({ type: oneOf('tokens'), total: integer(1), remaining: integer(0) }),
    }),
    cache_control: cacheControl,
    service_tier: onlyOff(['auto', 'standard_only', 'standard'], 'another service tier has another price'),
    speed: onlyOff(['standard'], 'another speed has another price'),
    inference_geo: onlyOff(['global'], 'another place has another price'),
    fallbacks: refused('it would send the call to another model than the one whose price is reserved'),
    container: refused('a container is billed by its time'),
    mcp_servers: refused(hosted, 'Connect the agent to the server instead.'),
    context_management: refused('the provider would make model calls of its own to compact the conversation'),
    thread: refused('a stored conversation is billed as input that is not seen here'),
    safeguards: refused('the provider would make model calls of its own'),
  },
  { required: ['model', 'messages'] },
);

const ROUTE: Route = { operation: 'generate', model: null, stream: null, target: () => 'messages' };

/** Tokens that the thinking budget takes from `max_tokens`, so that fewer would be refused by the provider. */
function thinkingTokens(checked: JsonObject): number {
  const thinking = checked.thinking;
  return (isObject(thinking) ? numeric(thinking.budget_tokens) : null) ?? 0;
}

export const anthropic: DialectRules = {
  headers: { 'anthropic-version': '2023-06-01' },

  route(path, query) {
    return (path === 'messages' || path === 'v1/messages') && query === '' ? ROUTE : null;
  },

  ask(route: Route, given: JsonObject): Ask {
    const tally = emptyTally();
    const checked = body(given, '', tally);
    if (!isObject(checked)) throw new Error('the check of an object returns one');
    const wanted = numeric(checked.max_tokens);
    const thinking = thinkingTokens(checked);
    if (wanted !== null && thinking >= wanted)
      throw refuse(
        'bad_request',
        'llm.field.thinking.budget_tokens',
        'thinking.budget_tokens must be less than max_tokens.',
        'Raise max_tokens or lower the thinking budget.',
      );
    return {
      route,
      model: typeof checked.model === 'string' ? checked.model : '',
      stream: checked.stream === true,
      choices: 1,
      wantedTokens: wanted,
      minTokens:
        thinking +
        Math.min(wanted === null ? SHORTEST_USEFUL_ANSWER : wanted - thinking, SHORTEST_USEFUL_ANSWER),
      tally,
      body: checked,
    };
  },

  seal(asked, { model, tokensPerChoice, host }) {
    return {
      ...asked.body,
      model,
      max_tokens: tokensPerChoice,
      // `auto` would use a priority tier that the organisation may have.
      ...(host === 'api.anthropic.com' ? { service_tier: 'standard_only' } : {}),
    };
  },

  read(answer, reading) {
    const type = field(answer, 'type');
    if (type === 'content_block_delta') reading.outputBytes += stringBytes(field(answer, 'delta'));
    else if (type === 'content_block_start')
      reading.outputBytes += stringBytes(field(answer, 'content_block'));
    else if (type === 'message_stop') reading.finished = true;
    else if (type === 'message_start') readUsage(field(field(answer, 'message'), 'usage'), reading);
    else if (type === 'message_delta') readUsage(field(answer, 'usage'), reading);
    else if (type === 'message') {
      for (const part of items(field(answer, 'content'))) reading.outputBytes += stringBytes(part);
      reading.finished = true;
      readUsage(field(answer, 'usage'), reading);
    }
  },
};

/** Input is told at the start and may be told again; output grows and its last figure is the whole. */
function readUsage(usage: unknown, reading: Reading): void {
  if (typeof usage !== 'object' || usage === null) return;
  const uncached = count(field(usage, 'input_tokens'));
  if (field(usage, 'input_tokens') !== undefined) {
    const creation = field(usage, 'cache_creation');
    const write = count(field(usage, 'cache_creation_input_tokens')) ?? 0;
    reading.cacheRead = count(field(usage, 'cache_read_input_tokens')) ?? 0;
    reading.cacheWriteHour = Math.min(write, count(field(creation, 'ephemeral_1h_input_tokens')) ?? 0);
    reading.cacheWrite = write - reading.cacheWriteHour;
    reading.input = uncached === null ? null : uncached + reading.cacheRead + write;
  }
  reading.output = count(field(usage, 'output_tokens'));
}

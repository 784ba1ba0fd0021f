import { count, field, items, type Reading, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import { refuse } from '../refuse.ts';
import * as is from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageData, imageMediaType, remoteImage } from './image.ts';
import { numeric } from './openai-chat.ts';

/**
 * Anthropic's messages. Fields: docs.claude.com/en/api/messages. No beta is switched on: `anthropic-beta` is not
 * sent, so what only a beta understands is refused here, where the message is clearer than the provider's.
 */
const { each, object, tagged, typed, list, stringOr, oneOf, integer } = is;

const HOSTED = 'a tool that the provider runs is billed per use, which is not seen here';
const FILES = 'a file is billed by its pages, which cannot be seen from its bytes';
const KEPT = 'it belongs to a tool or a state that the provider keeps on its own side';

/** A cache of one hour is written at twice the input price (docs.claude.com/en/docs/build-with-claude/prompt-caching). */
const cache_control: is.Check = (value, at, tally) => {
  const checked = object({ type: oneOf('ephemeral'), ttl: oneOf('5m', '1h') })(value, at, tally);
  if (is.isObject(checked) && checked.ttl === '1h') tally.hourCache = true;
  return checked;
};

const citations = is.anything;
const text = typed({ text: is.text, cache_control, citations }, 'text');
const image = typed({
  source: tagged('type', {
    base64: typed({ media_type: imageMediaType, data: imageData }, 'data'),
    url: typed({ url: remoteImage }, 'url'),
    file: is.refused('it names something stored at the provider', 'Send the image as base64 data.'),
  }),
  cache_control,
});
const search_result = typed({
  ...each(is.text, 'source title'),
  content: list(text),
  citations,
  cache_control,
});
const pages = is.refused(FILES, 'Turn the document into text first.');
const document = typed({
  source: tagged('type', {
    text: typed({ media_type: oneOf('text/plain'), data: is.text }),
    content: typed({ content: stringOr(list(tagged('type', { text, image }))) }),
    ...each(pages, 'base64 url file'),
  }),
  ...each(is.text, 'title context'),
  citations: object({ enabled: is.boolean }),
  cache_control,
});
const shown = { text, image, document, search_result };
const block = tagged(
  'type',
  {
    ...shown,
    tool_use: typed({
      ...each(is.text, 'id name'),
      input: is.anything,
      cache_control,
      caller: object({ type: oneOf('direct') }),
    }),
    tool_result: typed({
      tool_use_id: is.text,
      content: stringOr(list(tagged('type', shown))),
      is_error: is.boolean,
      cache_control,
    }),
    thinking: typed(each(is.text, 'thinking signature')),
    redacted_thinking: typed({ data: is.text }),
  },
  { refusedVariants: () => KEPT },
);
const message = is.counted(
  'messages',
  object(
    { role: oneOf('user', 'assistant', 'system'), content: stringOr(list(block)) },
    { required: ['role', 'content'] },
  ),
);

const toolFields = { cache_control, defer_loading: is.onlyOff([false], HOSTED) };
const clientFields = typed({ name: is.text, max_characters: integer(1), ...toolFields });
/** Run by the caller, but described by the provider, in up to 700 tokens: counted as 16 tools. */
const clientTool: is.Check = (value, at, tally) => {
  tally.tools += 15;
  return clientFields(value, at, tally);
};
const custom = typed(
  {
    ...each(is.text, 'name description'),
    ...each(is.boolean, 'strict eager_input_streaming'),
    input_schema: is.anyObject,
    input_examples: list(is.anyObject),
    allowed_callers: list(oneOf('direct')),
    ...toolFields,
  },
  'name',
  'input_schema',
);
const CLIENT_TOOLS =
  'bash_20250124 text_editor_20250124 text_editor_20250429 text_editor_20250728 memory_20250818';
const tool = is.counted(
  'tools',
  tagged(
    'type',
    { custom, ...each(clientTool, CLIENT_TOOLS) },
    { missing: 'custom', refusedVariants: () => HOSTED },
  ),
);

const chosen = { disable_parallel_tool_use: is.boolean };
const body = object(
  {
    ...each(is.number, 'temperature top_p top_k'),
    model: is.text,
    messages: list(message, 10_000),
    max_tokens: integer(1),
    system: stringOr(list(tagged('type', { text }))),
    stream: is.boolean,
    stop_sequences: list(is.text),
    metadata: object({ user_id: is.text }),
    tools: list(tool, 512),
    tool_choice: tagged('type', {
      ...each(typed(chosen), 'auto any'),
      tool: typed({ name: is.text, ...chosen }),
      none: typed({}),
    }),
    thinking: tagged('type', {
      enabled: typed({ budget_tokens: integer(1024), display: is.text }, 'budget_tokens'),
      disabled: typed({}),
      adaptive: typed({ display: is.text }),
    }),
    output_config: object({
      effort: is.text,
      format: typed({ type: oneOf('json_schema'), schema: is.anyObject }),
      task_budget: typed({ type: oneOf('tokens'), total: integer(1), remaining: integer(0) }),
    }),
    cache_control,
    service_tier: is.onlyOff(['auto', 'standard_only', 'standard'], 'another service tier has another price'),
    speed: is.onlyOff(['standard'], 'another speed has another price'),
    inference_geo: is.onlyOff(['global'], 'another place has another price'),
    fallbacks: is.refused('it would send the call to another model than the one whose price is reserved'),
    container: is.refused('a container is billed by its time'),
    mcp_servers: is.refused(HOSTED, 'Connect the agent to the server instead.'),
    ...each(is.refused('the provider would make model calls of its own'), 'context_management safeguards'),
    thread: is.refused('a stored conversation is billed as input that is not seen here'),
  },
  { required: ['model', 'messages'] },
);

const ROUTE: Route = { operation: 'generate', model: null, stream: null, target: () => 'messages' };

/** Tokens that the thinking budget takes from `max_tokens`, so that fewer would be refused by the provider. */
function thinkingTokens(checked: JsonObject): number {
  const thinking = checked.thinking;
  return (is.isObject(thinking) ? numeric(thinking.budget_tokens) : null) ?? 0;
}

export const anthropic: DialectRules = {
  headers: { 'anthropic-version': '2023-06-01' },

  route(path, query) {
    return (path === 'messages' || path === 'v1/messages') && query === '' ? ROUTE : null;
  },

  ask(route: Route, given: JsonObject): Ask {
    const tally = emptyTally();
    const checked = body(given, '', tally);
    if (!is.isObject(checked)) throw new Error('the check of an object returns one');
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

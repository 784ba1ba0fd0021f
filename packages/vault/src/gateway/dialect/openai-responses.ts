import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import {
  anyObject,
  anything,
  boolean,
  type Check,
  counted,
  dropped,
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
import { imageUrl } from './image.ts';
import { numeric } from './openai-chat.ts';

/**
 * OpenAI's responses, without what it keeps or runs on its own side: `store` is always false, so a caller sends its
 * history each time (reasoning as `reasoning.encrypted_content`).
 * Fields: platform.openai.com/docs/api-reference/responses/create.
 */
const stored = 'it names something stored at the provider, billed as input that is not seen here';
const resend = 'Send the whole conversation in input instead.';
const hosted = 'a tool that the provider runs is billed per use, which is not seen here';
const files = 'a file is billed by its pages, which cannot be seen from its bytes';

const breakpoint = object({ mode: oneOf('explicit'), ttl: oneOf('30m') });
const inputText = object({ type: text, text, prompt_cache_breakpoint: breakpoint }, { required: ['text'] });
const inputImage = object(
  {
    type: text,
    image_url: imageUrl,
    detail: oneOf('auto', 'low', 'high', 'original'),
    file_id: refused(stored, 'Send the image as data in image_url.'),
    prompt_cache_breakpoint: breakpoint,
  },
  { required: ['image_url'] },
);
const inputParts: Record<string, Check> = {
  input_text: inputText,
  input_image: inputImage,
  input_file: refused(files, 'Turn the file into text first.'),
  input_audio: refused('audio is billed as a class of token of its own'),
};
const inputContent = stringOr(list(tagged('type', inputParts)));
const messageContent = stringOr(
  list(
    tagged('type', {
      ...inputParts,
      output_text: object(
        { type: text, text, annotations: dropped(anything), logprobs: dropped(anything) },
        { required: ['text'] },
      ),
      refusal: object({ type: text, refusal: text }),
    }),
  ),
);
const summary = object({ type: text, text });
const direct = object({ type: oneOf('direct') });

const item = counted(
  'messages',
  tagged(
    'type',
    {
      message: object(
        {
          type: text,
          role: oneOf('user', 'assistant', 'system', 'developer'),
          content: messageContent,
          id: text,
          status: text,
          phase: text,
        },
        { required: ['role', 'content'] },
      ),
      function_call: object({
        type: text,
        id: text,
        call_id: text,
        name: text,
        namespace: text,
        arguments: text,
        status: text,
        async: onlyOff([false], 'an answer that comes later is not seen here'),
        caller: direct,
      }),
      function_call_output: object({
        type: text,
        id: text,
        call_id: text,
        output: inputContent,
        status: text,
        caller: direct,
      }),
      custom_tool_call: object({
        type: text,
        id: text,
        call_id: text,
        name: text,
        input: text,
        status: text,
      }),
      custom_tool_call_output: object({
        type: text,
        id: text,
        call_id: text,
        output: inputContent,
        status: text,
      }),
      reasoning: object({
        type: text,
        id: text,
        summary: list(summary),
        content: list(summary),
        encrypted_content: text,
        status: text,
      }),
      item_reference: refused(stored, resend),
    },
    { missing: 'message', refusedVariants: () => hosted },
  ),
);

const tool = counted(
  'tools',
  tagged(
    'type',
    {
      function: object({
        type: text,
        name: text,
        description: text,
        parameters: anyObject,
        strict: boolean,
      }),
      custom: object({ type: text, name: text, description: text, format: anyObject }),
    },
    { refusedVariants: () => hosted },
  ),
);

const body = object(
  {
    model: text,
    input: stringOr(list(item, 10_000)),
    instructions: text,
    max_output_tokens: integer(1),
    max_tool_calls: integer(1),
    stream: boolean,
    stream_options: object({ include_obfuscation: boolean }),
    temperature: number,
    top_p: number,
    top_logprobs: integer(0, 20),
    text: object({
      format: tagged('type', {
        text: object({ type: text }),
        json_object: object({ type: text }),
        json_schema: object({
          type: text,
          name: text,
          description: text,
          schema: anyObject,
          strict: boolean,
        }),
      }),
      verbosity: text,
    }),
    reasoning: object({
      effort: text,
      summary: text,
      generate_summary: text,
      context: oneOf('auto', 'current_turn', 'all_turns'),
      mode: onlyOff(['standard'], 'its work beyond the answer is billed and cannot be bounded'),
    }),
    tools: list(tool, 512),
    tool_choice: stringOr(
      tagged(
        'type',
        {
          function: object({ type: text, name: text }),
          custom: object({ type: text, name: text }),
          allowed_tools: object({ type: text, mode: text, tools: list(anyObject) }),
        },
        { refusedVariants: () => hosted },
      ),
    ),
    parallel_tool_calls: boolean,
    truncation: oneOf('auto', 'disabled'),
    include: list(
      oneOf('reasoning.encrypted_content', 'message.output_text.logprobs', 'message.input_image.image_url'),
    ),
    metadata: anyObject,
    user: text,
    safety_identifier: text,
    prompt_cache_key: text,
    prompt_cache_retention: oneOf('in_memory', 'in-memory', '24h'),
    prompt_cache_options: object({
      mode: oneOf('implicit', 'explicit'),
      ttl: oneOf('30m'),
      prewarm: onlyOff([false], 'it writes a cache that no answer accounts for'),
      comparison_response_id: refused(stored),
    }),
    service_tier: onlyOff(['auto', 'default'], 'another service tier has another price'),
    store: onlyOff(
      [false],
      'a stored response is kept and billed outside of this call',
      'Set store to false.',
    ),
    background: onlyOff([false], 'a background call is billed after its answer'),
    previous_response_id: refused(stored, resend),
    conversation: refused(stored, resend),
    prompt: refused(stored, 'Send the text of the prompt in instructions.'),
    context_management: refused('the provider would make model calls of its own to compact the conversation'),
  },
  { required: ['model', 'input'] },
);

const ROUTE: Route = { operation: 'generate', model: null, stream: null, target: () => 'responses' };

/** The provider refuses fewer. */
const LEAST_OUTPUT = 16;

export const openAiResponses: DialectRules = {
  headers: {},

  route(path, query) {
    return (path === 'responses' || path === 'v1/responses') && query === '' ? ROUTE : null;
  },

  ask(route: Route, given: JsonObject): Ask {
    const tally = emptyTally();
    const checked = body(given, '', tally);
    if (!isObject(checked)) throw new Error('the check of an object returns one');
    const wanted = numeric(checked.max_output_tokens);
    return {
      route,
      model: typeof checked.model === 'string' ? checked.model : '',
      stream: checked.stream === true,
      choices: 1,
      wantedTokens: wanted === null ? null : Math.max(wanted, LEAST_OUTPUT),
      minTokens: Math.max(LEAST_OUTPUT, Math.min(wanted ?? SHORTEST_USEFUL_ANSWER, SHORTEST_USEFUL_ANSWER)),
      tally,
      body: checked,
    };
  },

  seal(asked, { model, tokensPerChoice, host }) {
    return {
      ...asked.body,
      model,
      max_output_tokens: tokensPerChoice,
      store: false,
      ...(host === 'api.openai.com' ? { service_tier: 'default' } : {}),
    };
  },

  read(answer, reading) {
    const type = field(answer, 'type');
    if (typeof type === 'string' && type.endsWith('.delta')) {
      reading.outputBytes += stringBytes(field(answer, 'delta'));
      return;
    }
    const response = typeof type === 'string' ? field(answer, 'response') : answer;
    const status = field(response, 'status');
    if (status === 'completed' || status === 'incomplete' || status === 'failed') reading.finished = true;
    if (type === undefined)
      for (const entry of items(field(response, 'output'))) reading.outputBytes += stringBytes(entry);
    const usage = field(response, 'usage');
    if (typeof usage !== 'object' || usage === null) return;
    const details = field(usage, 'input_tokens_details');
    const total = count(field(usage, 'total_tokens'));
    reading.input = count(field(usage, 'input_tokens'));
    const output = count(field(usage, 'output_tokens'));
    reading.output =
      output === null
        ? null
        : Math.max(output, reading.input === null || total === null ? 0 : total - reading.input);
    reading.cacheRead = count(field(details, 'cached_tokens')) ?? 0;
    reading.cacheWrite = count(field(details, 'cache_write_tokens'));
  },
};

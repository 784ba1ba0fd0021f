import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { JsonObject } from '../parse-json.ts';
import * as is from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageUrl } from './image.ts';
import { numeric } from './openai-chat.ts';

/**
 * OpenAI's responses, without what it keeps or runs on its own side: `store` is always false, so a caller sends its
 * history each time (reasoning as `reasoning.encrypted_content`).
 * Fields: platform.openai.com/docs/api-reference/responses/create.
 */
const { each, object, tagged, typed, list, stringOr, oneOf, integer } = is;

const STORED = 'it names something stored at the provider, billed as input that is not seen here';
const RESEND = 'Send the whole conversation in input instead.';
const HOSTED = 'a tool that the provider runs is billed per use, which is not seen here';
const FILES = 'a file is billed by its pages, which cannot be seen from its bytes';

const prompt_cache_breakpoint = object({ mode: oneOf('explicit'), ttl: oneOf('30m') });
const inputParts: Record<string, is.Check> = {
  input_text: typed({ text: is.text, prompt_cache_breakpoint }, 'text'),
  input_image: typed(
    {
      image_url: imageUrl,
      detail: oneOf('auto', 'low', 'high', 'original'),
      file_id: is.refused(STORED, 'Send the image as data in image_url.'),
      prompt_cache_breakpoint,
    },
    'image_url',
  ),
  input_file: is.refused(FILES, 'Turn the file into text first.'),
  input_audio: is.refused('audio is billed as a class of token of its own'),
};
const output = stringOr(list(tagged('type', inputParts)));
const content = stringOr(
  list(
    tagged('type', {
      ...inputParts,
      output_text: typed({ text: is.text, ...each(is.dropped(is.anything), 'annotations logprobs') }, 'text'),
      refusal: typed({ refusal: is.text }),
    }),
  ),
);
const caller = object({ type: oneOf('direct') });
const summary = list(typed({ text: is.text }));
const role = oneOf('user', 'assistant', 'system', 'developer');
const item = is.counted(
  'messages',
  tagged(
    'type',
    {
      message: typed({ ...each(is.text, 'id status phase'), role, content }, 'role', 'content'),
      function_call: typed({
        ...each(is.text, 'id call_id name namespace arguments status'),
        async: is.onlyOff([false], 'an answer that comes later is not seen here'),
        caller,
      }),
      function_call_output: typed({ ...each(is.text, 'id call_id status'), output, caller }),
      custom_tool_call: typed(each(is.text, 'id call_id name input status')),
      custom_tool_call_output: typed({ ...each(is.text, 'id call_id status'), output }),
      reasoning: typed({ ...each(is.text, 'id encrypted_content status'), summary, content: summary }),
      item_reference: is.refused(STORED, RESEND),
    },
    { missing: 'message', refusedVariants: () => HOSTED },
  ),
);

const named = each(is.text, 'name description');
const tool = is.counted(
  'tools',
  tagged(
    'type',
    {
      function: typed({ ...named, parameters: is.anyObject, strict: is.boolean }),
      custom: typed({ ...named, format: is.anyObject }),
    },
    { refusedVariants: () => HOSTED },
  ),
);

const body = object(
  {
    ...each(is.text, 'model instructions user safety_identifier prompt_cache_key'),
    ...each(is.boolean, 'stream parallel_tool_calls'),
    ...each(is.number, 'temperature top_p'),
    ...each(integer(1), 'max_output_tokens max_tool_calls'),
    input: stringOr(list(item, 10_000)),
    stream_options: object({ include_obfuscation: is.boolean }),
    top_logprobs: integer(0, 20),
    text: object({
      format: tagged('type', {
        text: typed({}),
        json_object: typed({}),
        json_schema: typed({ ...named, schema: is.anyObject, strict: is.boolean }),
      }),
      verbosity: is.text,
    }),
    reasoning: object({
      ...each(is.text, 'effort summary generate_summary'),
      context: oneOf('auto', 'current_turn', 'all_turns'),
      mode: is.onlyOff(['standard'], 'its work beyond the answer is billed and cannot be bounded'),
    }),
    tools: list(tool, 512),
    tool_choice: stringOr(
      tagged(
        'type',
        {
          function: typed({ name: is.text }),
          custom: typed({ name: is.text }),
          allowed_tools: typed({ mode: is.text, tools: list(is.anyObject) }),
        },
        { refusedVariants: () => HOSTED },
      ),
    ),
    truncation: oneOf('auto', 'disabled'),
    include: list(
      oneOf('reasoning.encrypted_content', 'message.output_text.logprobs', 'message.input_image.image_url'),
    ),
    metadata: is.anyObject,
    prompt_cache_retention: oneOf('in_memory', 'in-memory', '24h'),
    prompt_cache_options: object({
      mode: oneOf('implicit', 'explicit'),
      ttl: oneOf('30m'),
      prewarm: is.onlyOff([false], 'it writes a cache that no answer accounts for'),
      comparison_response_id: is.refused(STORED),
    }),
    service_tier: is.onlyOff(['auto', 'default'], 'another service tier has another price'),
    store: is.onlyOff(
      [false],
      'a stored response is kept and billed outside of this call',
      'Set it to false.',
    ),
    background: is.onlyOff([false], 'a background call is billed after its answer'),
    ...each(is.refused(STORED, RESEND), 'previous_response_id conversation'),
    prompt: is.refused(STORED, 'Send the text of the prompt in instructions.'),
    context_management: is.refused(
      'the provider would make model calls of its own to compact the conversation',
    ),
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
    if (!is.isObject(checked)) throw new Error('the check of an object returns one');
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

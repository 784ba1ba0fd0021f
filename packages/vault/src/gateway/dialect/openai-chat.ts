import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { Json, JsonObject } from '../parse-json.ts';
import { refuse } from '../refuse.ts';
import * as is from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageUrl } from './image.ts';

/**
 * OpenAI's chat completions and embeddings, and the many servers that speak them.
 * Fields: platform.openai.com/docs/api-reference/chat/create and /embeddings/create; then those that DeepSeek,
 * Groq, Mistral, xAI, vLLM, llama.cpp and Ollama add to them.
 */
export const MAX_CHOICES = 8;

const { each, object, tagged, typed, list, stringOr, oneOf, integer } = is;

const AUDIO = 'audio is billed as a class of token of its own';
const FILES = 'a file is billed by its pages, which cannot be seen from its bytes';
const HOSTED = 'a tool that the provider runs is billed per use, which is not seen here';
const STORED = 'a stored conversation is billed as input that is not seen here';
const ROUTED = 'it would send the call to another model or provider than the one whose price is reserved';
const OPERATOR = 'Leave it out; the operator decides which provider and model a call goes to.';

const prompt_cache_breakpoint = object({ mode: oneOf('explicit'), ttl: oneOf('30m') });
const textPart = typed({ text: is.text, prompt_cache_breakpoint }, 'text');
const image_url = object(
  { url: imageUrl, detail: oneOf('auto', 'low', 'high', 'original') },
  { required: ['url'] },
);
const textParts = stringOr(list(tagged('type', { text: textPart })));
const userParts = stringOr(
  list(
    tagged(
      'type',
      { text: textPart, image_url: typed({ image_url, prompt_cache_breakpoint }) },
      { refusedVariants: (type) => (type === 'input_audio' ? AUDIO : type === 'file' ? FILES : null) },
    ),
  ),
);
const assistantParts = stringOr(
  list(tagged('type', { text: textPart, refusal: typed({ refusal: is.text }) })),
);
const call = object(each(is.text, 'name arguments'));
const toolCall = tagged(
  'type',
  {
    function: typed({ id: is.text, index: integer(0), function: call }),
    custom: typed({ id: is.text, custom: object(each(is.text, 'name input')) }),
  },
  { missing: 'function' },
);

const says = (content: is.Check) =>
  object({ ...each(is.text, 'role name'), content }, { required: ['content'] });
const message = is.counted(
  'messages',
  tagged('role', {
    system: says(textParts),
    developer: says(textParts),
    user: says(userParts),
    assistant: object({
      ...each(is.text, 'role refusal name reasoning_content reasoning'),
      content: is.orNull(assistantParts),
      tool_calls: list(toolCall),
      function_call: call,
      audio: is.refused(AUDIO),
      annotations: is.dropped(is.anything),
      prefix: is.boolean,
    }),
    tool: object(
      { ...each(is.text, 'role name tool_call_id'), content: textParts },
      { required: ['content'] },
    ),
    function: object({ ...each(is.text, 'role name'), content: is.orNull(is.text) }),
  }),
);

const named = each(is.text, 'name description');
const functionTool = object({ ...named, parameters: is.anyObject, strict: is.boolean });
const tool = is.counted(
  'tools',
  tagged(
    'type',
    {
      function: typed({ function: functionTool }, 'function'),
      custom: typed({ custom: object({ ...named, format: is.anyObject }) }),
    },
    { refusedVariants: () => HOSTED },
  ),
);

const chatBody = object(
  {
    ...each(is.text, 'model user safety_identifier prompt_cache_key reasoning_effort verbosity'),
    ...each(is.text, 'guided_regex guided_grammar grammar'),
    ...each(is.number, 'temperature top_p top_k min_p typical_p repetition_penalty repeat_penalty'),
    ...each(is.number, 'frequency_penalty presence_penalty'),
    ...each(is.boolean, 'stream logprobs parallel_tool_calls include_reasoning safe_prompt enable_thinking'),
    ...each(is.anyObject, 'logit_bias metadata chat_template_kwargs'),
    ...each(integer(1), 'max_tokens max_completion_tokens'),
    messages: list(message, 10_000),
    n: integer(1, MAX_CHOICES),
    stream_options: object(each(is.boolean, 'include_usage include_obfuscation')),
    seed: integer(Number.MIN_SAFE_INTEGER),
    random_seed: integer(0),
    stop: is.listOrOne(is.text),
    stop_token_ids: list(integer(0)),
    top_logprobs: integer(0, 20),
    response_format: tagged('type', {
      text: typed({}),
      json_object: typed({ schema: is.anyObject }),
      json_schema: typed({ json_schema: is.anyObject }),
    }),
    tools: list(tool, 512),
    tool_choice: stringOr(is.anyObject),
    functions: list(is.counted('tools', functionTool), 512),
    function_call: stringOr(object({ name: is.text })),
    reasoning_format: oneOf('hidden', 'raw', 'parsed'),
    thinking: typed({ type: oneOf('enabled', 'disabled', 'adaptive') }),
    prompt_mode: oneOf('reasoning'),
    guided_json: stringOr(is.anyObject),
    guided_choice: list(is.text),
    prompt_cache_retention: oneOf('in_memory', 'in-memory', '24h'),
    prompt_cache_options: object({
      mode: oneOf('implicit', 'explicit'),
      ttl: oneOf('30m'),
      prewarm: is.onlyOff([false], 'it writes a cache that no answer accounts for'),
    }),
    modalities: list(oneOf('text')),
    service_tier: is.onlyOff(['auto', 'default', 'on_demand'], 'another service tier has another price'),
    store: is.onlyOff([false], 'a stored conversation is kept and billed outside of this call'),
    ...each(is.onlyOff([false], 'a call done later is billed after its answer'), 'background deferred'),
    ...each(is.refused(STORED), 'previous_response_id conversation'),
    audio: is.refused(AUDIO),
    prediction: is.refused('rejected predictions are billed as output beyond the limit'),
    best_of: is.refused('it generates answers that are billed and not returned', 'Use n, at most 8.'),
    ...each(
      is.refused(HOSTED),
      'web_search_options search_parameters search_settings compound_custom plugins',
    ),
    ...each(is.refused(ROUTED, OPERATOR), 'models route provider transforms'),
  },
  { required: ['model', 'messages'] },
);

/** Text, token ids, or lists of either: each id is one token and at least one byte. */
const embeddingBody = object(
  {
    ...each(is.text, 'model user'),
    input: stringOr(list(stringOr(is.listOrOne(integer(0))), 2048)),
    dimensions: integer(1),
    encoding_format: oneOf('float', 'base64'),
  },
  { required: ['model', 'input'] },
);

const PATHS = new Map<string, Route['operation']>([
  ['chat/completions', 'generate'],
  ['embeddings', 'embed'],
]);

/** Those that answer `max_tokens` with an error or read it as something else; all others may ignore the new name. */
const NEW_NAME_HOSTS = new Set(['api.openai.com', 'api.groq.com', 'api.x.ai']);
const NEW_NAME_MODELS = /^(?:o\d|gpt-[5-9])/;

function ask(route: Route, body: JsonObject): Ask {
  const tally = emptyTally();
  const checked = (route.operation === 'embed' ? embeddingBody : chatBody)(body, '', tally);
  if (!is.isObject(checked)) throw new Error('the check of an object returns one');
  const limits = [checked.max_tokens, checked.max_completion_tokens].filter((limit) => limit !== undefined);
  if (limits.length > 1)
    throw refuse(
      'bad_request',
      'llm.field.max_tokens',
      'max_tokens and max_completion_tokens are the same limit, given twice.',
      'Send one of the two.',
    );
  const wanted = numeric(limits[0]);
  return {
    route,
    model: typeof checked.model === 'string' ? checked.model : '',
    stream: checked.stream === true,
    choices: numeric(checked.n) ?? 1,
    wantedTokens: route.operation === 'embed' ? 0 : wanted,
    minTokens:
      route.operation === 'embed' ? 0 : Math.min(wanted ?? SHORTEST_USEFUL_ANSWER, SHORTEST_USEFUL_ANSWER),
    tally,
    body: checked,
  };
}

export function numeric(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

export const openAiChat: DialectRules = {
  headers: {},

  route(path, query) {
    const listed = path.startsWith('v1/') ? path.slice(3) : path;
    const operation = PATHS.get(listed);
    if (!operation || query !== '') return null;
    return { operation, model: null, stream: null, target: () => listed };
  },

  ask,

  seal(asked, { model, tokensPerChoice, host }) {
    const { max_tokens, max_completion_tokens, ...rest } = asked.body;
    if (asked.route.operation === 'embed') return { ...rest, model };
    const limit =
      NEW_NAME_HOSTS.has(host) || NEW_NAME_MODELS.test(model) ? 'max_completion_tokens' : 'max_tokens';
    const options = is.isObject(rest.stream_options) ? rest.stream_options : {};
    return {
      ...rest,
      model,
      [limit]: tokensPerChoice,
      ...(asked.stream ? { stream_options: { ...options, include_usage: true } } : {}),
      // A project's own default may be a dearer tier.
      ...(host === 'api.openai.com' ? { service_tier: 'default', store: false } : {}),
    };
  },

  read(answer, reading) {
    for (const choice of items(field(answer, 'choices'))) {
      reading.outputBytes +=
        stringBytes(field(choice, 'delta')) +
        stringBytes(field(choice, 'message')) +
        stringBytes(field(choice, 'text'));
      if (typeof field(choice, 'finish_reason') === 'string') reading.stopped = true;
    }
    const usage = field(answer, 'usage');
    if (typeof usage !== 'object' || usage === null) return;
    const prompt = count(field(usage, 'prompt_tokens'));
    const total = count(field(usage, 'total_tokens'));
    const completion = count(field(usage, 'completion_tokens'));
    const details = field(usage, 'prompt_tokens_details');
    reading.input = prompt;
    // xAI leaves reasoning out of completion_tokens and counts it in total_tokens.
    reading.output =
      completion === null
        ? null
        : Math.max(completion, prompt === null || total === null ? 0 : total - prompt);
    reading.cacheRead =
      count(field(details, 'cached_tokens')) ?? count(field(usage, 'prompt_cache_hit_tokens')) ?? 0;
    reading.cacheWrite = count(field(details, 'cache_write_tokens'));
  },
};

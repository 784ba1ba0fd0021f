import { count, field, items, stringBytes } from '../answer/reading.ts';
import type { Json, JsonObject } from '../parse-json.ts';
import { refuse } from '../refuse.ts';
import {
  anyObject,
  anything,
  boolean,
  counted,
  dropped,
  integer,
  isObject,
  list,
  listOrOne,
  number,
  object,
  oneOf,
  onlyOff,
  orNull,
  refused,
  stringOr,
  tagged,
  text,
} from './check.ts';
import { type Ask, type DialectRules, emptyTally, type Route, SHORTEST_USEFUL_ANSWER } from './dialect.ts';
import { imageUrl } from './image.ts';

/**
 * OpenAI's chat completions and embeddings, and the many servers that speak them.
 * Fields: platform.openai.com/docs/api-reference/chat/create and /embeddings/create; then those that DeepSeek,
 * Groq, Mistral, xAI, vLLM, llama.cpp and Ollama add to them.
 */
export const MAX_CHOICES = 8;

const breakpoint = object({ mode: oneOf('explicit'), ttl: oneOf('30m') });
const textPart = object({ type: text, text, prompt_cache_breakpoint: breakpoint }, { required: ['text'] });
const audio = 'audio is billed as a class of token of its own';
const files = 'a file is billed by its pages, which cannot be seen from its bytes';

const textParts = stringOr(list(tagged('type', { text: textPart })));
const userParts = stringOr(
  list(
    tagged(
      'type',
      {
        text: textPart,
        image_url: object({
          type: text,
          image_url: object(
            { url: imageUrl, detail: oneOf('auto', 'low', 'high', 'original') },
            { required: ['url'] },
          ),
          prompt_cache_breakpoint: breakpoint,
        }),
      },
      {
        refusedVariants: (type) => (type === 'input_audio' ? audio : type === 'file' ? files : null),
      },
    ),
  ),
);
const assistantParts = stringOr(
  list(tagged('type', { text: textPart, refusal: object({ type: text, refusal: text }) })),
);

const call = object({ name: text, arguments: text });
const toolCall = tagged(
  'type',
  {
    function: object({ id: text, type: text, index: integer(0), function: call }),
    custom: object({ id: text, type: text, custom: object({ name: text, input: text }) }),
  },
  { missing: 'function' },
);

const message = counted(
  'messages',
  tagged('role', {
    system: object({ role: text, content: textParts, name: text }, { required: ['content'] }),
    developer: object({ role: text, content: textParts, name: text }, { required: ['content'] }),
    user: object({ role: text, content: userParts, name: text }, { required: ['content'] }),
    assistant: object({
      role: text,
      content: orNull(assistantParts),
      refusal: text,
      name: text,
      tool_calls: list(toolCall),
      function_call: call,
      audio: refused(audio),
      annotations: dropped(anything),
      reasoning_content: text,
      reasoning: text,
      prefix: boolean,
    }),
    tool: object(
      { role: text, content: textParts, tool_call_id: text, name: text },
      { required: ['content'] },
    ),
    function: object({ role: text, content: orNull(text), name: text }),
  }),
);

const functionTool = object({ name: text, description: text, parameters: anyObject, strict: boolean });
const hosted = 'a tool that the provider runs is billed per use, which is not seen here';
const tool = counted(
  'tools',
  tagged(
    'type',
    {
      function: object({ type: text, function: functionTool }, { required: ['function'] }),
      custom: object({ type: text, custom: object({ name: text, description: text, format: anyObject }) }),
    },
    { refusedVariants: () => hosted },
  ),
);

const OPERATOR = 'Leave it out; the operator decides which provider and model a call goes to.';
const routed = 'it would send the call to another model or provider than the one whose price is reserved';

const chatBody = object(
  {
    model: text,
    messages: list(message, 10_000),
    max_tokens: integer(1),
    max_completion_tokens: integer(1),
    n: integer(1, MAX_CHOICES),
    stream: boolean,
    stream_options: object({ include_usage: boolean, include_obfuscation: boolean }),
    temperature: number,
    top_p: number,
    top_k: number,
    min_p: number,
    typical_p: number,
    repetition_penalty: number,
    repeat_penalty: number,
    frequency_penalty: number,
    presence_penalty: number,
    seed: integer(Number.MIN_SAFE_INTEGER),
    random_seed: integer(0),
    stop: listOrOne(text),
    stop_token_ids: list(integer(0)),
    logit_bias: anyObject,
    logprobs: boolean,
    top_logprobs: integer(0, 20),
    response_format: tagged('type', {
      text: object({ type: text }),
      json_object: object({ type: text, schema: anyObject }),
      json_schema: object({ type: text, json_schema: anyObject }),
    }),
    tools: list(tool, 512),
    tool_choice: stringOr(anyObject),
    parallel_tool_calls: boolean,
    functions: list(counted('tools', functionTool), 512),
    function_call: stringOr(object({ name: text })),
    reasoning_effort: text,
    reasoning_format: oneOf('hidden', 'raw', 'parsed'),
    include_reasoning: boolean,
    thinking: object({ type: oneOf('enabled', 'disabled', 'adaptive') }),
    prompt_mode: oneOf('reasoning'),
    safe_prompt: boolean,
    enable_thinking: boolean,
    chat_template_kwargs: anyObject,
    guided_json: stringOr(anyObject),
    guided_regex: text,
    guided_choice: list(text),
    guided_grammar: text,
    grammar: text,
    verbosity: text,
    user: text,
    safety_identifier: text,
    prompt_cache_key: text,
    prompt_cache_retention: oneOf('in_memory', 'in-memory', '24h'),
    prompt_cache_options: object({
      mode: oneOf('implicit', 'explicit'),
      ttl: oneOf('30m'),
      prewarm: onlyOff([false], 'it writes a cache that no answer accounts for'),
    }),
    metadata: anyObject,
    modalities: list(oneOf('text')),
    service_tier: onlyOff(['auto', 'default', 'on_demand'], 'another service tier has another price'),
    store: onlyOff([false], 'a stored conversation is kept and billed outside of this call'),
    background: onlyOff([false], 'a background call is billed after its answer'),
    previous_response_id: refused('a stored conversation is billed as input that is not seen here'),
    conversation: refused('a stored conversation is billed as input that is not seen here'),
    audio: refused(audio),
    prediction: refused('rejected predictions are billed as output beyond the limit'),
    best_of: onlyOff([], 'it generates answers that are billed and not returned', 'Use n, at most 8.'),
    web_search_options: refused(hosted),
    search_parameters: refused(hosted),
    search_settings: refused(hosted),
    compound_custom: refused(hosted),
    plugins: refused(hosted),
    models: refused(routed, OPERATOR),
    route: refused(routed, OPERATOR),
    provider: refused(routed, OPERATOR),
    transforms: refused(routed, OPERATOR),
    deferred: onlyOff([false], 'a deferred call is billed after its answer'),
  },
  { required: ['model', 'messages'] },
);

const embeddingBody = object(
  {
    model: text,
    input: stringOr(list(stringOr(integerOrList()), 2048)),
    dimensions: integer(1),
    encoding_format: oneOf('float', 'base64'),
    user: text,
  },
  { required: ['model', 'input'] },
);

/** Token ids, or lists of them: each id is one token and at least one byte. */
function integerOrList() {
  return listOrOne(integer(0));
}

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
  if (!isObject(checked)) throw new Error('the check of an object returns one');
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
    const options = isObject(rest.stream_options) ? rest.stream_options : {};
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

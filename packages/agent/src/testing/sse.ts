/** Server-sent events, one piece each, as providers send them. */
export function sse(...events: (object | string)[]): string[] {
  return events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
}

/** The same with the names of events, as Anthropic and OpenAI's responses send them. */
export function namedSse(...events: ({ type: string } & Record<string, unknown>)[]): string[] {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

/** One whole answer in the shape of OpenAI's chat completions. */
export function chatAnswer(text: string): string[] {
  const chunk = (choice: object) => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  });
  return sse(
    chunk({ delta: { role: 'assistant', content: text.slice(0, 3) } }),
    chunk({ delta: { content: text.slice(3) } }),
    chunk({ delta: {}, finish_reason: 'stop' }),
    {
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [],
      usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
    },
    '[DONE]',
  );
}

export interface FakeCall {
  id: string;
  name: string;
  arguments: string;
}

export function chatCalls(...calls: FakeCall[]): string[] {
  const chunk = (choice: object) => ({
    id: 'c2',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  });
  return sse(
    ...calls.map((call, index) =>
      chunk({
        delta: {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              index,
              id: call.id,
              type: 'function',
              function: { name: call.name, arguments: call.arguments },
            },
          ],
        },
      }),
    ),
    chunk({ delta: {}, finish_reason: 'tool_calls' }),
    '[DONE]',
  );
}

/*
 * A program as people write them, bundled into one file and run in a container: the official clients with nothing
 * but their documented settings. Prints one line of JSON.
 */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const openai = new OpenAI({ baseURL: 'http://127.0.0.1:8400/v1', apiKey: 'any', maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: 'http://127.0.0.1:8400', apiKey: 'any', maxRetries: 0 });
const content = 'Is it Paris?';
const messages = [{ role: 'user' as const, content }];

const seen: Record<string, unknown> = {};
const note = async (name: string, run: () => Promise<unknown>): Promise<void> => {
  try {
    seen[name] = await run();
  } catch (error) {
    seen[name] = error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : 'failed';
  }
};

for (const model of process.argv.slice(2)) {
  await note(`${model} chat`, async () => {
    const stream = openai.chat.completions.stream({ model, messages });
    return (await stream.finalChatCompletion()).choices[0]?.message.content;
  });
  await note(`${model} responses`, async () => {
    let text = '';
    for await (const event of await openai.responses.create({ model, input: content, stream: true }))
      if (event.type === 'response.output_text.delta') text += event.delta;
    return text;
  });
  await note(`${model} messages`, async () => {
    const message = await anthropic.messages.stream({ model, max_tokens: 1000, messages }).finalMessage();
    return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  });
}
await note('models', async () => (await openai.models.list()).data.map(({ id }) => id));
await note('own', async () => {
  const answer = await openai.chat.completions.create({ model: 'gpt-4o', messages });
  return answer.choices[0]?.message.content;
});
await note('denied', () => openai.chat.completions.create({ model: 'openai/gpt-4o', messages }));
console.log(JSON.stringify(seen));

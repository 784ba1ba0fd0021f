import type { Dialect } from '@openlegion/contract/catalog';
import type { AdapterPrompt } from '../adapter.ts';
import type { MessageOf, ToolResult as Result } from './repair-prompt.ts';

type File = Extract<MessageOf<'user'>['content'][number], { type: 'file' }>;

/** No result is empty; chat completions take only text as one, so their images follow in a message of the user. */
export function fitToolResults(prompt: AdapterPrompt, dialect: Dialect): AdapterPrompt {
  return prompt.flatMap((message): AdapterPrompt => {
    if (message.role !== 'tool') return [message];
    const moved: File[] = [];
    const content = message.content.map((part) =>
      part.type === 'tool-result' ? fit(part, dialect === 'openai-chat' ? moved : undefined) : part,
    );
    const fitted = { ...message, content };
    if (moved.length === 0) return [fitted];
    const head = { type: 'text' as const, text: 'The images of the results above, in their order:' };
    return [fitted, { role: 'user', content: [head, ...moved] }];
  });
}

function fit(result: Result, moved: File[] | undefined): Result {
  const { output } = result;
  if (output.type === 'text' || output.type === 'error-text')
    return output.value.trim() === '' ? { ...result, output: { ...output, value: '(no output)' } } : result;
  if (output.type !== 'content') return result;
  const value = output.value.filter((part) => part.type !== 'text' || part.text.trim() !== '');
  const files = value.filter((part) => part.type === 'file');
  if (files.length > 0 && !moved) return { ...result, output: { ...output, value } };
  moved?.push(...files);
  const texts = value.flatMap((part) => (part.type === 'text' ? part.text : []));
  if (files.length > 0)
    texts.push(`(${files.length === 1 ? 'an image' : `${files.length} images`}, see below)`);
  return { ...result, output: { type: 'text', value: texts.join('\n') || '(no output)' } };
}

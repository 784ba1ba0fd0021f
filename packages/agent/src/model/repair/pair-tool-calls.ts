import type { AdapterPrompt } from '../adapter.ts';
import type { MessageOf, ToolResult as Result } from './repair-prompt.ts';

type Call = Extract<MessageOf<'assistant'>['content'][number], { type: 'tool-call' }>;
type UserPart = MessageOf<'user'>['content'][number];

interface PlacedResult {
  at: number;
  result: Result;
  used: boolean;
}

const NO_RESULT = 'No result: the outcome of this call is not known.';

/**
 * Behind each assistant's calls exactly one result for each, in the calls' order, with new ids. A result is looked
 * for from the call on to the next call of the same id; one that belongs to no call becomes text of the user.
 */
export function pairToolCalls(
  prompt: AdapterPrompt,
  nextId: (id: string) => string,
  rename: (name: string) => string,
): AdapterPrompt {
  const results = new Map<string, PlacedResult[]>();
  const calledAt = new Map<string, number[]>();
  const placed = prompt.map((message, at): PlacedResult[] => {
    if (message.role === 'assistant')
      for (const { toolCallId } of callsOf(message)) push(calledAt, toolCallId, at);
    if (message.role !== 'tool') return [];
    return message.content.flatMap((result) => {
      if (result.type !== 'tool-result') return [];
      const entry = { at, result, used: false };
      push(results, result.toolCallId, entry);
      return [entry];
    });
  });
  const takeResult = (id: string, at: number): Result | undefined => {
    const until = calledAt.get(id)?.find((next) => next > at) ?? prompt.length;
    const found = results.get(id)?.find((entry) => !entry.used && entry.at > at && entry.at < until);
    if (found) found.used = true;
    return found?.result;
  };
  // All results find their calls first: only then is it known which are left over.
  const answered = prompt.map((message, at): AdapterPrompt => {
    if (message.role !== 'assistant') return [message];
    const found: Result[] = [];
    const content = message.content.map((part) => {
      if (part.type !== 'tool-call') return part;
      const call = { ...part, toolCallId: nextId(part.toolCallId), toolName: rename(part.toolName) };
      found.push(resultOf(call, takeResult(part.toolCallId, at)));
      return call;
    });
    return [
      { ...message, content },
      ...(found.length > 0 ? [{ role: 'tool' as const, content: found }] : []),
    ];
  });
  return answered.flatMap((messages, at): AdapterPrompt => {
    if (prompt[at]?.role !== 'tool') return messages;
    const left = (placed[at] ?? []).filter(({ used }) => !used);
    const content = left.flatMap(({ result }) => asText(result));
    return content.length === 0 ? [] : [{ role: 'user', content }];
  });
}

function callsOf(message: MessageOf<'assistant'>): Call[] {
  return message.content.filter((part) => part.type === 'tool-call');
}

function resultOf({ toolCallId, toolName }: Call, result: Result | undefined): Result {
  const output = result?.output ?? { type: 'error-text' as const, value: NO_RESULT };
  return { ...result, type: 'tool-result', toolCallId, toolName, output };
}

function asText({ toolName, output }: Result): UserPart[] {
  const head = `[Result of a call${toolName === '' ? '' : ` of ${toolName}`} that is not part of this conversation]`;
  const value: UserPart[] =
    output.type === 'content'
      ? output.value.flatMap((part) => (part.type === 'text' || part.type === 'file' ? [part] : []))
      : [{ type: 'text', text: outputText(output) }];
  return [{ type: 'text', text: head }, ...value];
}

function outputText(output: Exclude<Result['output'], { type: 'content' }>): string {
  if (output.type === 'execution-denied') return output.reason ?? 'refused';
  return typeof output.value === 'string' ? output.value : JSON.stringify(output.value);
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

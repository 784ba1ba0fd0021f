/** A program that speaks the Agent Client Protocol, and does what the prompt says: one word a line. Source for Node. */
export const ACP_AGENT = `
import { createInterface } from 'node:readline';
import { appendFileSync } from 'node:fs';
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
let asked = 0;
const waiting = new Map();
const ask = (method, params) => new Promise((resolve) => {
  const id = 'a' + asked++;
  waiting.set(id, resolve);
  send({ id, method, params });
});
let cancelled = () => {};
let sessions = 0;
const handlers = {
  initialize: async ({ protocolVersion, clientCapabilities }) => {
    appendFileSync('log', JSON.stringify(clientCapabilities) + '\\n');
    process.stdout.write('a line that is no message\\n{"jsonrpc":"2.0","id":99,"result":{}}\\n');
    return { protocolVersion: Number(process.env.VERSION ?? protocolVersion), agentCapabilities: {} };
  },
  'session/new': async ({ cwd, mcpServers }) => {
    appendFileSync('log', JSON.stringify([cwd, mcpServers, process.pid]) + '\\n');
    return { sessionId: 's' + sessions++ };
  },
  'session/prompt': async ({ sessionId, prompt }) => {
    const update = (value) => send({ method: 'session/update', params: { sessionId, update: value } });
    const say = (text) => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
    for (const line of prompt[0].text.split('\\n')) {
      const [verb, ...rest] = line.split(' ');
      if (verb === 'say') say(rest.join(' '));
      if (verb === 'echo') say(prompt[0].text);
      if (verb === 'session') say(sessionId);
      if (verb === 'think') update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: rest.join(' ') } });
      if (verb === 'elsewhere') send({ method: 'session/update', params: { sessionId: 'other', update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'not mine' } } } });
      if (verb === 'plan') update({ sessionUpdate: 'plan', entries: [] });
      if (verb === 'call') {
        update({ sessionUpdate: 'tool_call', toolCallId: 't1', title: 'bash', kind: 'execute', status: 'pending', rawInput: {} });
        update({ sessionUpdate: 'tool_call_update', toolCallId: 't1', title: 'Run it', status: 'in_progress', rawInput: { command: 'id' } });
        update({ sessionUpdate: 'tool_call_update', toolCallId: 't1', status: rest[0] ?? 'completed', content: [{ type: 'content', content: { type: 'text', text: 'uid' } }, { type: 'diff', path: 'a.txt', newText: '' }] });
      }
      if (verb === 'permission') {
        const options = [['n', 'reject_once'], ['y', 'allow_once'], ['yy', 'allow_always']].map(([optionId, kind]) => ({ optionId, kind, name: kind }));
        const answer = await ask('session/request_permission', { sessionId, toolCall: { toolCallId: 't2', kind: rest[0], title: 'Do it', rawInput: { x: 1 } }, options });
        say(JSON.stringify(answer.result?.outcome ?? answer.error));
      }
      if (verb === 'ask') {
        const answer = await ask(rest[0], JSON.parse(rest.slice(1).join(' ')));
        say(JSON.stringify(answer.result ?? answer.error ?? null) + ';');
      }
      if (verb === 'wait') {
        say('waiting');
        await new Promise((resolve) => { cancelled = resolve; });
        if (rest[0] === 'deaf') await new Promise(() => {});
        return { stopReason: 'cancelled' };
      }
      if (verb === 'die') process.exit(7);
      if (verb === 'stop') return { stopReason: rest[0] };
      if (verb === 'flood') for (;;) if (!process.stdout.write('z'.repeat(1 << 16))) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    return { stopReason: 'end_turn' };
  },
};
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params, result, error } = JSON.parse(line);
  if (method === 'session/cancel') return cancelled();
  if (method === undefined) return waiting.get(id)?.({ result, error });
  const answer = await handlers[method]?.(params);
  if (answer === undefined) send({ id, error: { code: -32601, message: 'no ' + method } });
  else send({ id, result: answer });
});
process.stdin.on('end', () => process.exit(0));
`;

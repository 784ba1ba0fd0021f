/*
 * A server of MCP on standard input and output that is as bad as it is told to be: by hand, since no library would write
 * what it writes. The first argument is a file of JSON that says how.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const behaviour = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);
/** Read at each use, so that a test can change what the server says. */
const tools = () =>
  behaviour.toolsFile ? JSON.parse(readFileSync(behaviour.toolsFile, 'utf8')) : behaviour.tools;

if (behaviour.greeting) process.stdout.write(behaviour.greeting);
if (behaviour.garbageLines)
  for (let line = 0; line < behaviour.garbageLines; line += 1) console.log(`hello ${line}`);
if (behaviour.child) console.error(`child ${spawn('sleep', ['600']).pid}`);
if (behaviour.endlessLine) endless();

function endless(): void {
  const piece = 'x'.repeat(256 * 1024);
  const more = () => {
    while (process.stdout.write(piece));
    process.stdout.once('drain', more);
  };
  more();
}

const asked: unknown[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.method === undefined) {
    asked.push(message.error ?? message.result);
    continue;
  }
  const answer = (result: unknown) => say({ jsonrpc: '2.0', id: message.id, result });
  switch (message.method) {
    case 'initialize':
      if (behaviour.silent) break;
      answer({
        protocolVersion: message.params.protocolVersion,
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'fake', version: '1' },
        instructions: behaviour.instructions,
      });
      for (const [id, method] of (behaviour.asks ?? []).entries())
        say({
          jsonrpc: '2.0',
          id: `ask-${id}`,
          method,
          params: {
            messages: [{ role: 'user', content: { type: 'text', text: 'say x' } }],
            maxTokens: 5,
            message: 'm',
            requestedSchema: { type: 'object', properties: {}, required: behaviour.required ?? [] },
          },
        });
      break;
    case 'tools/list':
      if (behaviour.deep)
        process.stdout.write(
          `{"jsonrpc":"2.0","id":${message.id},"result":${'['.repeat(1e5)}${']'.repeat(1e5)}}\n`,
        );
      if (behaviour.pages)
        answer({ tools: [{ name: `t${asked.length}`, inputSchema: {} }], nextCursor: 'again' });
      else answer({ tools: tools() ?? [] });
      break;
    case 'tools/call': {
      const { name, arguments: input } = message.params;
      if (name === 'hang') break;
      if (name === 'die') process.exit(7);
      if (name === 'change') say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
      if (name === 'asked') answer({ content: [{ type: 'text', text: JSON.stringify(asked) }] });
      else if (name === 'env') answer({ content: [{ type: 'text', text: JSON.stringify(process.env) }] });
      else if (name === 'fail') answer({ isError: true, content: [{ type: 'text', text: 'it failed' }] });
      else if (name === 'mixed')
        answer({
          content: [
            { type: 'image', data: 'AAAA', mimeType: 'image/png' },
            { type: 'resource', resource: { uri: 'file:///x', text: 'inside' } },
            { type: 'resource_link', uri: 'file:///y', name: 'y' },
          ],
        });
      else answer({ content: [{ type: 'text', text: JSON.stringify(input) }] });
      break;
    }
    default:
      if (message.id !== undefined)
        say({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } });
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTool } from '../testing/run-tool.ts';
import { fakeTool } from '../testing/turn-rig.ts';
import { withToolSearch } from './find-tools.ts';
import type { Offer } from './offer-tools.ts';

const message = { messageId: 'm', traceId: 't', from: 'user', text: '', mode: 'chat' } as const;

function offerOf(names: readonly [name: string, description: string][]) {
  const tools = names.map(([name]) => fakeTool(name, async () => ({ outcome: 'ok', output: name })));
  const offer: Offer = {
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    withheld: new Set(),
    definitions: names.map(([name, description]) => ({ name, description, inputSchema: {} })),
    sections: [],
  };
  return withToolSearch(async () => offer);
}

const many = Array.from({ length: 60 }, (_, index): [string, string] => [
  `mcp_t${index}`,
  `Does thing ${index}.`,
]);
const namesOf = ({ definitions }: Offer) => definitions.map(({ name }) => name);

test('a few tools are offered as they are', async () => {
  const offer = await offerOf([['exec', 'Run.'], ...many.slice(0, 39)])(message);
  assert.equal(offer.definitions.length, 40);
  assert.ok(!offer.tools.has('find_tools'));
});

test('of many, those of most turns and a search; what it finds is offered from the next round on', async () => {
  const offer = offerOf([['exec', 'Run.'], ...many, ['mcp_browser_tabs', 'Lists the open pages.']]);
  const first = await offer(message);
  assert.deepEqual(namesOf(first), ['exec', 'find_tools']);
  const search = first.tools.get('find_tools');
  assert.ok(search);
  const found = await runTool(search, { query: 'which tab is open in the browser?' });
  assert.match(found.output, /^mcp_browser_tabs: Lists the open pages\.$/);
  assert.deepEqual(namesOf(await offer(message)), ['exec', 'mcp_browser_tabs', 'find_tools']);
  // Not offered is not forbidden: who is not granted a tool is decided elsewhere.
  assert.ok(first.tools.has('mcp_t59'));
});

test('at most ten are found at a time; where nothing fits, the names are told', async () => {
  const search = (await offerOf([['exec', 'Run.'], ...many])(message)).tools.get('find_tools');
  assert.ok(search);
  assert.equal((await runTool(search, { query: 'thing' })).output.split('\n').length, 10);
  assert.match((await runTool(search, { query: 'zebra' })).output, /^nothing fits; there are: mcp_t0, /);
  assert.match((await runTool(search, { query: '' })).output, /wrong arguments/);
});

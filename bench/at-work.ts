import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { EngineClient } from '../packages/host/src/engine/engine-client.ts';
import { startInstallation, type TestInstallation } from '../test/harness/installation.ts';
import { bundleMcpPeers } from '../test/harness/mcp-peers.ts';
import { startOutside } from '../test/harness/outside.ts';
import { benchEngine } from './bench-engine.ts';
import { type Bench, type Figure, figure } from './measure.ts';

const MEGABYTE = 1_000_000;
const LOOK_EVERY_MS = 50;
const Inspection = z.object({ HostConfig: z.object({ Memory: z.int().positive() }) });
const SITE = 'site.example.test';
const COUNT = `import { defineTool, z } from 'openlegion/skill';
export const countWords = defineTool({
  name: 'count_words',
  description: 'Count the words of a text.',
  schema: z.object({ text: z.string() }),
  run: ({ text }: { text: string }) => text.split(' ').length,
});
`;
/** 3,000 elements that are layers of their own, and 30 MB of script memory. */
const PAGE = `<!doctype html><title>Large</title><style>p{will-change:transform}</style><body><script>
window.kept = Array.from({ length: 30 }, (_, n) => new Uint8Array(1e6).fill(n + 1));
for (let n = 0; n < 3000; n += 1) document.body.append(Object.assign(document.createElement('p'), { textContent: 'Row ' + n }));
</script>`;
/** Called at once. The program of `exec` is there for as long as several looks take. */
const TOOLS = [
  {
    tool: 'exec',
    arguments: { command: 'python3 -c "import time; time.sleep(2); print(sum(range(10**6)))"' },
  },
  { tool: 'memory_search', arguments: { query: 'words' } },
  { tool: 'count_words', arguments: { text: 'one two three' } },
  { tool: 'mcp_everything_get-sum', arguments: { a: 2, b: 40 } },
];
const SCRIPT = {
  rules: [
    {
      when: { user: '/work$/' },
      answer: {
        calls: [{ tool: 'memory_save', arguments: { text: 'There are words.', category: 'notes' } }],
      },
    },
    {
      when: { user: '/browse$/' },
      answer: { calls: [{ tool: 'browser_navigate', arguments: { url: `https://${SITE}/` } }] },
    },
    { when: { tool: 'memory_save' }, answer: { calls: TOOLS } },
    {
      when: { tool: 'browser_navigate' },
      answer: {
        calls: [...TOOLS, ...['snapshot', 'screenshot'].map((name) => ({ tool: `browser_${name}` }))],
      },
    },
  ],
  otherwise: { text: 'done' },
};

/**
 * What the whole container of an agent takes at its most while it works, as the engine counts it (everything but what
 * the kernel could drop), beside the limit that it gets unless another is configured: with exec, memory, a skill and
 * an MCP server; then with Chromium on a large page as well.
 */
export const benchAtWork: Bench = async ({ progress }) => {
  const engine = await benchEngine();
  using outside = await startOutside((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(PAGE);
  });
  const server = '{ name: everything, command: node, args: [/data/skills/operator/mcp/everything.mjs] }';
  const granted = { allowed_apis: ['llm'], allowed_tools: { '*': 'allow' } };
  const browser = { can_use_browser: true, browser_actions: ['*'], allowed_domains: [SITE] };
  const agent = `{ model: scripted/worker, skills_dir: ./skills, mcp_servers: [${server}] }`;
  try {
    await using installation = await startInstallation({
      agents: `agents:\n  worker: ${agent}\n  surfer: ${agent}\n`,
      mesh: outside.meshYaml([SITE]),
      permissions: { permissions: { worker: granted, surfer: { ...granted, ...browser } } },
      scripts: { worker: JSON.stringify(SCRIPT) },
    });
    const bundled = await bundleMcpPeers(['everything']);
    const skills = { 'count.ts': COUNT, 'mcp/everything.mjs': bundled.get('everything') ?? '' };
    for (const [path, text] of Object.entries(skills)) {
      const file = join(installation.home, 'skills', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const measure = async (name: string, text: string, what: string, most: number): Promise<Figure> => {
      progress(what);
      const { peakBytes, limitBytes } = await workOf(engine, installation, name, text);
      const value = peakBytes / MEGABYTE;
      const peer = { what: 'its limit', value: limitBytes / MEGABYTE };
      return figure({ bench: 'at-work', what, unit: 'MB', value, peer, bound: { of: 'ratio', most } });
    };
    return [
      await measure('worker', 'work', 'whole agent at work (exec, memory, skill, MCP server)', 0.4),
      await measure('surfer', 'browse', 'the same with Chromium on a large page', 0.6),
    ];
  } finally {
    engine.close();
  }
};

/** The most that was seen while the turn ran, which must have done all that it was to do; and what the engine allows. */
async function workOf(
  engine: EngineClient,
  { control }: TestInstallation,
  agent: string,
  text: string,
): Promise<{ peakBytes: number; limitBytes: number }> {
  // Awake first: its container is looked at by its id.
  await control.ask(agent, 'hello');
  const { agents } = await control.status();
  const id = agents.find(({ name }) => name === agent)?.containerId ?? '';
  const { HostConfig } = Inspection.parse(await engine.inspectContainer(id));
  let peakBytes = 0;
  let over = false;
  const looking = (async () => {
    while (!over) {
      const { usage, stats } = (await engine.containerStats(id)).memory_stats;
      const droppable = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
      peakBytes = Math.max(peakBytes, usage - droppable);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  })();
  const { events, view } = await control.ask(agent, text).finally(() => {
    over = true;
  });
  await looking;
  const ended = events.flatMap(({ event }) =>
    event.type === 'turn' && event.turn.type === 'tool_ended' ? [event.turn] : [],
  );
  const failed = ended.find(({ outcome }) => outcome !== 'ok');
  if (view.status !== 'done' || failed || ended.length <= TOOLS.length)
    throw new Error(`${agent} did not do its work: ${JSON.stringify(failed ?? view.refusal ?? ended)}`);
  return { peakBytes, limitBytes: HostConfig.Memory };
}

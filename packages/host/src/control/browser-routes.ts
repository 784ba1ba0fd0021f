import { BrowserInputs } from '@openlegion/contract/browser-view';
import type { ControlCaller } from '@openlegion/contract/control-caller';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { AgentLifecycle } from '../fleet/agent-lifecycle.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { parseJsonBody } from '../mesh/read-json-body.ts';
import { browserFrames } from './browser-frames.ts';
import type { ControlRequest, ControlRoute } from './control-routes.ts';
import { relay } from './relay.ts';
import { route } from './route.ts';

/** A container may have to start, and Chromium in it. */
const START_MS = 90_000;
const INPUT_MS = 40_000;
/** A person's input is recorded once as long as it goes on without a pause as long as this. */
const PAUSE_MS = 60_000;

const PATH = '/api/agents/{name}/browser';

export function agentsWithBrowser(config: Pick<FleetConfig, 'agents'>): string[] {
  return [...config.agents.values()]
    .filter(({ permissions }) => permissions.can_use_browser)
    .map(({ name }) => name);
}

/** The live view of an agent's browser, for a person (`contract/browser-view.ts`). */
export function browserRoutes(parts: {
  config: FleetConfig;
  fleet: Fleet;
  audit: AuditLog;
  clock: Clock;
  /** Aborts when the host stops. */
  stopping: AbortSignal;
}): ControlRoute[] {
  const { config, fleet, audit, clock } = parts;
  /** When each person last did something in each browser. */
  const lastInput = new Map<string, number>();

  function agentOf(request: ControlRequest): { name: string; agent: AgentLifecycle } {
    const name = request.parameter('name');
    const settings = config.agents.get(name);
    const agent = fleet.get(name);
    if (!settings || !agent) throw new OpenLegionError(UNKNOWN);
    if (settings.permissions.can_use_browser) return { name, agent };
    throw new OpenLegionError({
      code: 'denied',
      rule: `permissions.${settings.permissionsRecord}.can_use_browser`,
      message: 'This agent may not use a browser, so it has none to show.',
      remedy: 'Set can_use_browser in config/permissions.json, then: ./openlegion reload',
    });
  }

  async function note(type: string, { name: actor }: ControlCaller, subject: string): Promise<void> {
    await audit.record({ type, actor, subject, decision: 'allowed', rule: 'operator' });
  }

  return [
    route('GET', `${PATH}/frames`, 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      await note('browser.watched', request.caller, name);
      const answer = await agent.request({
        method: 'GET',
        path: '/browser/frames',
        headersTimeoutMs: START_MS,
        maxBodyBytes: Number.MAX_SAFE_INTEGER,
        signal: AbortSignal.any([request.signal, parts.stopping]),
      });
      if (answer.status !== 200) return relay(answer, [200]);
      const frames = browserFrames(
        answer.body,
        (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
      );
      const body = ReadableStream.from(frames).pipeThrough(new TextEncoderStream());
      return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
    }),

    route('POST', `${PATH}/input`, 'operator', async (request) => {
      const { name, agent } = agentOf(request);
      const inputs = parseJsonBody(await request.body(), BrowserInputs);
      const who = JSON.stringify([request.caller.name, name]);
      const last = lastInput.get(who) ?? Number.NEGATIVE_INFINITY;
      lastInput.set(who, clock.now());
      if (clock.now() - last > PAUSE_MS) await note('browser.taken_over', request.caller, name);
      const body = JSON.stringify(inputs);
      return relay(
        await agent.request({ method: 'POST', path: '/browser/input', body, headersTimeoutMs: INPUT_MS }),
        [204],
      );
    }),
  ];
}

const UNKNOWN = {
  code: 'not_found',
  rule: 'control.not_found',
  message: 'There is no agent of this name.',
  remedy: 'See "./openlegion status" for the names.',
} as const;

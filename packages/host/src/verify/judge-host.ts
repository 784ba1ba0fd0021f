import type { Guarantee } from '@openlegion/contract/control-api';
import { RefusalBody } from '@openlegion/contract/refusal';
import { judged, words } from './guarantee.ts';
import type { MeshAnswers } from './observations.ts';

const CLAIMING_HEADERS = words(`x-agent-id x-agent x-openlegion-agent x-openlegion-trace
  x-user-id x-forwarded-user x-forwarded-for from`);

/** Claims of another identity, each in a place where other systems believe one. */
export function identityClaims(other: string): { path: string; headers: Record<string, string> }[] {
  const path = '/mesh/introspect';
  return [
    ...CLAIMING_HEADERS.map((name) => ({ path, headers: { [name]: other } })),
    { path, headers: { authorization: `Bearer ${other}` } },
    { path, headers: { cookie: `agent=${other}` } },
    { path, headers: { ':authority': other } },
    { path: `${path}?agent=${other}`, headers: {} },
    { path: `${path}?name=${other}&agent_id=${other}`, headers: {} },
  ];
}

/** The first answer is to a request without claims; the others must be the same in substance, or refusals. */
export function judgeIdentity({ answers }: MeshAnswers, self: string, other: string): Guarantee {
  const [plain, ...claimed] = answers;
  const nameOf = (body: string) => /"name":"([^"]*)"/.exec(body)?.[1];
  const wrong = claimed.filter(
    ({ status, body }) => body.includes(other) || (status < 400 && nameOf(body) !== self),
  );
  return judged('host.identity', {
    holds: plain?.status === 200 && nameOf(plain.body) === self && claimed.length > 0 && wrong.length === 0,
    evidence: `without a claim: ${plain?.status ?? 'no answer'}, known as ${nameOf(plain?.body ?? '') ?? 'nobody'}; ${claimed.length} claims to be "${other}" in headers, cookie, authority and query: ${claimed.length - wrong.length} without effect`,
    why: 'An agent can pass for another one.',
  });
}

const UNKNOWN_PATHS = words(`
  / /admin /api/status /api/agents/researcher/messages /api/verify /api/../mesh/../api/status
  /mesh /mesh/ /mesh//agents //mesh/agents /MESH/AGENTS /mesh/agents/ /mesh/agents%00 /mesh/%61gents /mesh/agents;x=1
  /mesh/../api/status /mesh/vault /mesh/credentials /vault/list /metrics /debug/pprof /.env /dashboard
  http://127.0.0.1:8420/api/status * /mesh/handoff /llm/scripted/chat/completions
`);
const OTHER_METHODS = words('PUT DELETE PATCH OPTIONS TRACE HEAD PROPFIND POST');

export const UNKNOWN_ROUTES: { method: string; path: string }[] = [
  ...[...UNKNOWN_PATHS, `/${'a'.repeat(4000)}`].map((path) => ({ method: 'GET', path })),
  ...OTHER_METHODS.map((method) => ({ method, path: '/mesh/introspect' })),
];

const LEAK = /\bat (?:async )?\S+ \(|node:internal|\/packages\/|\.ts:\d|node_modules/;

export function judgeRoutes({ answers }: MeshAnswers): Guarantee {
  const wrong = answers.flatMap((answer, index) => {
    const objection = routeObjection(answer);
    const route = UNKNOWN_ROUTES[index];
    return objection ? [`${route?.method} ${route?.path.slice(0, 60)}: ${objection}`] : [];
  });
  const statuses = [...new Set(answers.map(({ status }) => status))].join(', ');
  return judged('host.unknown-routes', {
    holds: answers.length === UNKNOWN_ROUTES.length,
    wrong,
    evidence: `${answers.length} requests refused, with ${statuses}`,
    why: 'The host answers what it should not, or tells of itself.',
  });
}

/** A reset stream (status 0) is a refusal too: HTTP/2 itself turns down what is no request. */
function routeObjection({ status, body }: MeshAnswers['answers'][number]): string | null {
  if (status !== 0 && status < 400) return `answered with ${status}`;
  if (LEAK.test(body)) return 'the refusal tells of the inside';
  if (body !== '' && !isRefusal(body)) return 'the refusal is not of the documented form';
  return null;
}

function isRefusal(body: string): boolean {
  try {
    return RefusalBody.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}

export function judgeNoGrant({ answers }: MeshAnswers): Guarantee {
  const admitted = answers.filter(({ status }) => status > 0 && status < 400);
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  const rule = /"rule":"([^"]{1,200})"/.exec(answers.find(({ body }) => body !== '')?.body ?? '')?.[1];
  return judged('budget.no-grant', {
    holds: answers.length >= 50 && admitted.length === 0,
    evidence: `${answers.length} parallel model calls: ${[...counts].map(([status, count]) => `${count} answered ${status || 'by a reset'}`).join(', ')}; rule ${rule ?? 'not named'}`,
    why: 'A model call was admitted for an agent that has no grant.',
  });
}

export interface WireOutcome {
  mode: string;
  /** How its pipe ended: `refused` at the start, or a PipeEnd's cause; `open` when it did not. */
  ended: string;
  reason: string;
}

/** `neighbourAnswers`: an honest pipe of the same host answered after each attack. */
export function judgeWire(outcomes: readonly WireOutcome[], neighbourAnswers: boolean): Guarantee {
  const wrong = outcomes.filter(({ ended }) => ended === 'open');
  return judged('host.wire-attacks', {
    holds: outcomes.length > 0 && wrong.length === 0 && neighbourAnswers,
    evidence: [
      ...outcomes.map(({ mode, ended, reason }) => `${mode}: ${ended} (${reason})`),
      `a neighbour's pipe ${neighbourAnswers ? 'answered after each' : 'no longer answers'}`,
    ].join('\n'),
    why: 'A hostile program keeps its pipe open, or disturbs others.',
  });
}

export interface AuditState {
  unbroken: boolean;
  records: number;
  detail: string;
}

export function judgeAudit({ unbroken, records, detail }: AuditState): Guarantee {
  return judged('audit.chain', {
    holds: unbroken && records > 0,
    evidence: `${records} records checked; ${detail}`,
    why: 'Records were altered, or the file is damaged: compare it with a backup and with the last signed checkpoint.',
  });
}

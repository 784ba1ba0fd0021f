import { words } from './guarantee.ts';
import { judgeAddresses, judgeAuthority, judgeBound, judgeDeny, judgeElsewhere } from './judge-egress.ts';
import { judgeUnasked, UNASKED_CALLS } from './judge-grants.ts';
import { EgressAnswers, MeshAnswers } from './observations.ts';
import { BOUND_HOST, type EgressTrial, OTHER_HOST } from './open-egress-trial.ts';
import { openProbe, type ProbeSession } from './probe-session.ts';
import type { PromiseId } from './promises.ts';
import type { VerifyStep } from './verify.ts';

interface Attempt {
  ask: string;
  tls?: { servername: string; ca: string };
  request?: string;
}

const OUTSIDE = [
  ...words('example.com:443 api.openai.com:443 example.com:80 1.1.1.1:443 [2606:4700::1111]:443').map(
    (host) => `CONNECT ${host}`,
  ),
  ...['GET http://example.com/', 'GET http://1.1.1.1/'],
];
const METADATA = words(`169.254.169.254 0xa9fea9fe 2852039166 169.254.43518 [::ffff:169.254.169.254]
  [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] [fd00:ec2::254] metadata.google.internal 100.100.100.200`);
const LOOPBACK = words(`127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 localhost LOCALHOST. [::1]
  [::ffff:127.0.0.1] [::ffff:7f00:1] 0.0.0.0 [::] １２７.0.0.1`);
const PRIVATE = words('10.0.0.1 172.17.0.1 192.168.0.1 100.64.0.1 [fc00::1] [fe80::1]');

const TRIAL_PROMISES: PromiseId[] = [
  ...(['egress.private-addresses', 'egress.own-authority'] as const),
  ...(['egress.bound-credential', 'egress.placeholder-elsewhere', 'host.ask'] as const),
];

/**
 * The way out, from a container whose agent was granted nothing, and from one with a trial's grants, who must ask for
 * every tool.
 */
export async function verifyEgress({ options, check }: VerifyStep): Promise<void> {
  if (options.egress === null) return;
  options.onProgress?.('trying the way out');
  const { handle, open } = options.egress;
  await check('egress.default-deny', async () => {
    await using probe = await openProbe(options);
    return judgeDeny(OUTSIDE, await attempt(probe, OUTSIDE.map(plain)));
  });
  await check(TRIAL_PROMISES, async () => {
    await using trial = await open();
    await using probe = await openProbe({ ...options, handle });
    return [
      await tryAddresses(trial, probe),
      await tryAuthority(trial, probe),
      await tryBound(trial, probe),
      await tryElsewhere(trial, probe),
      judgeUnasked(await probe.ask('mesh-calls', { calls: UNASKED_CALLS }, MeshAnswers)),
    ];
  });
}

function attempt(probe: ProbeSession, attempts: Attempt[]): Promise<EgressAnswers> {
  return probe.ask('egress', { attempts }, EgressAnswers);
}

async function tryAddresses({ echo, authorityPem }: EgressTrial, probe: ProbeSession) {
  const before = echo.seen.length;
  const asked = [
    ...[...METADATA, ...PRIVATE].flatMap((host) => [`CONNECT ${host}:443`, `GET http://${host}/latest/`]),
    ...LOOPBACK.flatMap((host) => [`CONNECT ${host}:${echo.port}`, `GET http://${host}:${echo.port}/`]),
  ];
  // A tunnel to a host that is granted is opened before it is known where it leads: the request in it is refused.
  const attempts = asked.map((what) => ({
    ...plain(what),
    ...(what.startsWith('CONNECT ') && within(what, authorityPem)),
  }));
  return judgeAddresses(asked, await attempt(probe, attempts), echo.seen.length - before);
}

async function tryAuthority({ authorityPem, otherAuthorityPem }: EgressTrial, probe: ProbeSession) {
  const { answers } = await attempt(probe, [
    inside(BOUND_HOST, authorityPem),
    inside(BOUND_HOST, otherAuthorityPem ?? authorityPem),
  ]);
  return judgeAuthority(answers[0], otherAuthorityPem === null ? null : answers[1]);
}

async function tryBound({ echo, authorityPem, placeholder, name }: EgressTrial, probe: ProbeSession) {
  const headers = [`authorization: Bearer ${placeholder}`, `authorization: Bearer $CRED{${name}}`];
  const paths = ['/', '/error'];
  const { answers } = await attempt(
    probe,
    paths.flatMap((path) =>
      headers.map((header) => inside(BOUND_HOST, authorityPem, get(BOUND_HOST, path, header))),
    ),
  );
  const seen = echo.seen.filter(({ host }) => host === BOUND_HOST);
  return judgeBound(seen, answers);
}

async function tryElsewhere({ echo, authorityPem, placeholder, name }: EgressTrial, probe: ProbeSession) {
  const before = echo.seen.length;
  const bearer = `authorization: Bearer ${placeholder}`;
  const byName = `authorization: Bearer $CRED{${name}}`;
  const tries = [
    { what: 'at a host it is not bound to', host: OTHER_HOST, path: '/', header: bearer },
    { what: 'by name at a host it is not bound to', host: OTHER_HOST, path: '/', header: byName },
    { what: 'in the path', host: BOUND_HOST, path: `/${placeholder}`, header: 'x-nothing: 1' },
    { what: 'in the query', host: BOUND_HOST, path: `/?key=${placeholder}`, header: 'x-nothing: 1' },
    { what: 'in another header', host: BOUND_HOST, path: '/', header: `x-api-key: ${placeholder}` },
    { what: 'of nobody', host: BOUND_HOST, path: '/', header: `authorization: Bearer olp_${'0'.repeat(40)}` },
  ];
  const answers = await attempt(
    probe,
    tries.map(({ host, path, header }) => inside(host, authorityPem, get(host, path, header))),
  );
  const asked = tries.map(({ what }) => what);
  return judgeElsewhere(asked, answers, echo.seen.slice(before));
}

/** `CONNECT host:port`, or `GET http://…`, without TLS after it. */
function plain(asked: string): Attempt {
  const [method, target = ''] = asked.split(' ');
  const host = target.replace(/^http:\/\//, '').replace(/\/.*$/, '');
  return { ask: `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n` };
}

/** What follows `CONNECT host:port` on the same connection. An address has no name that TLS could ask for. */
function within(what: string, ca: string): Pick<Attempt, 'tls' | 'request'> {
  const place = what.slice('CONNECT '.length);
  const host = place.replace(/:\d+$/, '');
  const servername = /^[a-z][a-z0-9.-]*$/i.test(host) ? host : '';
  return { tls: { servername, ca }, request: get(place, '/latest/meta-data/', 'x-nothing: 1') };
}

function inside(host: string, ca: string, request?: string): Attempt {
  const ask = `CONNECT ${host}:443 HTTP/1.1\r\nhost: ${host}:443\r\n\r\n`;
  return { ask, tls: { servername: host, ca }, ...(request === undefined ? {} : { request }) };
}

function get(host: string, path: string, header: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nte: trailers\r\n${header}\r\nconnection: close\r\n\r\n`;
}

/*
 * The malicious agent: a program that takes the agent's place in a container. `probe.js serve` answers the host as an
 * agent would and reports, on POST /probe, what can be seen and done from inside; it judges nothing. Every other mode
 * is one attack on the wire, begun at once. It shares nothing with the agent's own loop or pipe.
 */
import { serveProbe } from './serve-probe.ts';
import { WIRE_MODES } from './wire-modes.ts';

const mode = process.argv[2] ?? 'serve';
const attack = WIRE_MODES.get(mode);
if (attack) {
  await attack();
} else if (mode === 'serve') {
  serveProbe();
} else {
  process.stderr.write(`unknown mode; one of serve, ${[...WIRE_MODES.keys()].join(', ')}\n`);
  process.exitCode = 2;
}

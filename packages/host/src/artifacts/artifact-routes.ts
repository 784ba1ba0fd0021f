import { pipeline } from 'node:stream/promises';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { AgentPermissions } from '@openlegion/contract/permissions-config';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { MeshRoute } from '../mesh/mesh-routes.ts';
import type { Artifacts } from './artifacts.ts';

const PREFIX = '/mesh/artifacts/';
const NOTHING = AgentPermissions.parse({});

/** Bytes in, bytes out, each at the pace of the slower side. */
export function artifactRoutes(
  artifacts: Artifacts,
  config: Pick<FleetConfig, 'agents'>,
  traceOf: (agent: string) => string,
): readonly MeshRoute[] {
  const row = { path: `${PREFIX}{rest}`, zone: 1, atATime: 4 } as const;
  return [
    {
      ...row,
      method: 'PUT',
      permission: 'blackboard_write',
      // The bytes are not shown to anybody: approved is the name under which others find them.
      tool: {
        names: ['save_artifact'],
        covers: ({ name, path: file }, { path }) =>
          (name ?? (typeof file === 'string' ? file.split('/').at(-1) : null)) === nameOf(path),
      },
      async run(agent, { path, stream }) {
        // An agent that is gone by then is granted nothing.
        const settings = () => config.agents.get(agent.name) ?? { ...agent, permissions: NOTHING };
        const saved = await artifacts.save(settings, nameOf(path), stream, traceOf(agent.name));
        if (!saved.ok) throw new OpenLegionError(saved.refusal);
        return saved.value;
      },
    },
    {
      ...row,
      method: 'GET',
      permission: 'blackboard_read',
      tool: {
        names: ['read_artifact'],
        covers: ({ key }, { path }) => key === `artifacts/${nameOf(path)}`,
      },
      async run(agent, { path, stream }) {
        const found = await artifacts.read(agent, `artifacts/${nameOf(path)}`, traceOf(agent.name));
        if (!found.ok) throw new OpenLegionError(found.refusal);
        const { bytes, body } = found.value;
        stream.respond({
          ':status': 200,
          'content-type': 'application/octet-stream',
          'content-length': bytes,
        });
        await pipeline(body, stream).catch(() => stream.destroy());
        return undefined;
      },
    },
  ];
}

function nameOf(path: string): string {
  try {
    return decodeURIComponent(path.slice(PREFIX.length));
  } catch {
    return '';
  }
}

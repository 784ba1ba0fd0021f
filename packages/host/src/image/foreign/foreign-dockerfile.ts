import { PROGRAM_ENVIRONMENT, PUBLIC_ROOTS_FILE, ROOTS_FILE } from '@openlegion/contract/program-environment';

const DIRECTORY = '/opt/openlegion';
const NODE = `${DIRECTORY}/bin/node`;
const PLAIN_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Without what Node itself would read at the agent's start: programs are given all of it by the agent. */
const VARIABLES = Object.entries(PROGRAM_ENVIRONMENT).filter(
  ([name]) => name !== 'NODE_USE_ENV_PROXY' && name !== 'NODE_EXTRA_CA_CERTS',
);

/**
 * `image`'s files and nothing else of it (its user, entry point, variables, volumes and triggers stay behind, as an
 * image begun from nothing has none), with the Node, the agent and the roots of `agent`. The one step that runs is our
 * Node: where the image cannot run it, the build fails there.
 */
export function foreignDockerfile(image: string, agent: string, variables: readonly string[]): string {
  const found = variables.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const path = /^[A-Za-z0-9_.:/+@-]+$/.test(found) ? found : PLAIN_PATH;
  const environment = {
    // Behind what the image has: a program that needs a Node finds its own before ours.
    PATH: `${path}:${DIRECTORY}/bin`,
    NODE_COMPILE_CACHE: `${DIRECTORY}/compile-cache`,
    NODE_ENV: 'production',
    ...Object.fromEntries(VARIABLES),
  };
  return [
    'FROM scratch',
    `COPY --from=${image} / /`,
    `COPY --from=${agent} /usr/local/bin/node ${NODE}`,
    `COPY --from=${agent} ${PUBLIC_ROOTS_FILE} ${PUBLIC_ROOTS_FILE}`,
    // Podman has no init of its own.
    `COPY --from=${agent} /usr/bin/tini /usr/bin/tini`,
    `COPY prepare ${DIRECTORY}/prepare`,
    `RUN ${JSON.stringify([NODE, `${DIRECTORY}/prepare/foreign-root-main.ts`, ROOTS_FILE])}`,
    `COPY --from=${agent} ${DIRECTORY} ${DIRECTORY}`,
    `COPY image-variables.json ${DIRECTORY}/image-variables.json`,
    `ENV ${Object.entries(environment)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    'WORKDIR /data',
    'USER 1000:1000',
    `CMD ${JSON.stringify([NODE, `${DIRECTORY}/agent.js`])}`,
    '',
  ].join('\n');
}

import { PROGRAM_ENVIRONMENT, PUBLIC_ROOTS_FILE, ROOTS_FILE } from '@openlegion/contract/program-environment';

/** The distribution whose packages the agent image is made of. */
export const DEBIAN_SUITE = 'bookworm';
export const REGISTRY_BASE = `debian:${DEBIAN_SUITE}-slim`;

/** What an agent's tools need. libstdc++ is Node's; tini is the init where the engine has none (Podman). */
export const PACKAGES = [
  'ca-certificates',
  'curl',
  'git',
  'libstdc++6',
  'python3',
  'python3-pip',
  'python3-venv',
  'tini',
] as const;

/** Not in the image: no one reads manuals in it. Copyright files stay, as Debian's policy asks. */
export const EXCLUDED_PATHS = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/man/*',
] as const;

/**
 * Run with `sh -e` in the root of the base. Takes the setuid and setgid bits from every file and directory: nothing in the image
 * can change its user, whatever the engine's options are. The system's bundle of roots becomes a link to where an agent
 * puts its own at /start, so that programs find it that know no variable for it.
 */
export const PREPARE_SCRIPT = `
find / -xdev -not -type l -perm /6000 -exec chmod a-s {} +
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /tmp/* /var/tmp/*
rm -rf /usr/share/man /usr/share/info /usr/share/locale
echo 'agent:x:1000:1000::/data:/bin/bash' >> /etc/passwd
echo 'agent:x:1000:' >> /etc/group
install -d -o 1000 -g 1000 -m 0700 /data
install -d /opt/openlegion
mv /etc/ssl/certs/ca-certificates.crt ${PUBLIC_ROOTS_FILE}
ln -s ${ROOTS_FILE} /etc/ssl/certs/ca-certificates.crt
ln -sf /etc/ssl/certs/ca-certificates.crt /usr/lib/ssl/cert.pem
echo 'PATH=/data/.local/bin:$PATH' > /etc/profile.d/openlegion.sh
`.trim();

/** The base where a registry can be reached. */
export function registryDockerfile(packages: readonly string[]): string {
  const excludes = EXCLUDED_PATHS.map((line) => `'${line}'`).join(' ');
  return [
    `FROM ${REGISTRY_BASE}`,
    `RUN printf '%s\\n' ${excludes} > /etc/dpkg/dpkg.cfg.d/openlegion \\`,
    ' && apt-get update \\',
    ` && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    `RUN ${PREPARE_SCRIPT.split('\n').join(' && ')}`,
    '',
  ].join('\n');
}

/** Where a variant's modules are, beside npm: what requires them by name is found from its parent directory. */
export const MODULES_DIRECTORY = '/usr/local/lib/node_modules';

/** Debian with the pinned Node, npm and a variant's modules, which change more rarely than the agent. */
export function runtimeDockerfile(base: string, modules: readonly string[]): string {
  return [
    `FROM ${base}`,
    'COPY node /usr/local/bin/node',
    ...['npm', ...modules].map((name) => `COPY ${name} ${MODULES_DIRECTORY}/${name}`),
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\',
    ' && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx',
    '',
  ].join('\n');
}

/** For whatever is started in the container; the agent itself reaches out by its pipe and does without. */
function environment(): string {
  const variables = {
    NODE_COMPILE_CACHE: '/opt/openlegion/compile-cache',
    NODE_ENV: 'production',
    ...PROGRAM_ENVIRONMENT,
  };
  return `ENV ${Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}`;
}

/** Node reads these at its start, where the agent's own has no use for them and pays with memory. */
const WITHOUT = ['NODE_USE_ENV_PROXY', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => ['-u', name]);
/** Starts a program of ours in the image. */
export const NODE_COMMAND = ['/usr/bin/env', ...WITHOUT, 'node'] as const;

/** Loads every chunk once, so that what the agent imports lazily is in the cache too. Importing does nothing else. */
function loadChunks(modules: readonly string[]): string {
  return [
    'import { readdirSync } from "node:fs";',
    'const chunks = "/opt/openlegion/chunks/";',
    'for (const file of readdirSync(chunks)) if (file.endsWith(".js")) await import(chunks + file);',
    ...(modules.length === 0 ? [] : ['import { createRequire } from "node:module";']),
    ...modules.map((name) => `createRequire("${MODULES_DIRECTORY}")("${name}");`),
  ].join(' ');
}

/**
 * The agent. Its compile cache is made by one start at the end of its input, as the user it will run as, because
 * Node keys the cache by user; after that it belongs to root and cannot be changed. An agent that fails here is still
 * built: it would only start more slowly.
 */
export function agentDockerfile(runtime: string, modules: readonly string[]): string {
  const warm = (program: string) =>
    `timeout 20 setpriv --reuid=1000 --regid=1000 --clear-groups ${program} </dev/null >/dev/null 2>&1 || true`;
  return [
    `FROM ${runtime}`,
    'COPY openlegion /opt/openlegion',
    'RUN install -d -o 1000 -g 1000 /opt/openlegion/compile-cache \\',
    ' && (cd /data; export NODE_COMPILE_CACHE=/opt/openlegion/compile-cache HOME=/data; \\',
    `  ${warm('node /opt/openlegion/agent.js')}; \\`,
    `  ${warm(`node --input-type=module -e '${loadChunks(modules)}'`)}) \\`,
    ' && chown -R root:root /opt/openlegion && chmod -R a+rX,go-w /opt/openlegion \\',
    ' && rm -rf /tmp/* && find /data -mindepth 1 -delete',
    environment(),
    'WORKDIR /data',
    'USER 1000:1000',
    `CMD ${JSON.stringify([...NODE_COMMAND, '/opt/openlegion/agent.js'])}`,
    '',
  ].join('\n');
}

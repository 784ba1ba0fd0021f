/** The distribution whose packages the agent image is made of. */
export const DEBIAN_SUITE = 'bookworm';
export const REGISTRY_BASE = `debian:${DEBIAN_SUITE}-slim`;

/** What an agent's tools need. libstdc++ is Node's; tini is the init where the engine has none (Podman). */
export const PACKAGES = ['ca-certificates', 'curl', 'git', 'libstdc++6', 'python3', 'tini'] as const;

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
 * can change its user, whatever the engine's options are.
 */
export const PREPARE_SCRIPT = `
find / -xdev -not -type l -perm /6000 -exec chmod a-s {} +
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /tmp/* /var/tmp/*
rm -rf /usr/share/man /usr/share/info /usr/share/locale
echo 'agent:x:1000:1000::/data:/bin/bash' >> /etc/passwd
echo 'agent:x:1000:' >> /etc/group
install -d -o 1000 -g 1000 -m 0700 /data
install -d /opt/openlegion
`.trim();

/** The base where a registry can be reached. */
export function registryDockerfile(): string {
  const excludes = EXCLUDED_PATHS.map((line) => `'${line}'`).join(' ');
  return [
    `FROM ${REGISTRY_BASE}`,
    `RUN printf '%s\\n' ${excludes} > /etc/dpkg/dpkg.cfg.d/openlegion \\`,
    ' && apt-get update \\',
    ` && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${PACKAGES.join(' ')}`,
    `RUN ${PREPARE_SCRIPT.split('\n').join(' && ')}`,
    '',
  ].join('\n');
}

/** Debian with the pinned Node, which changes more rarely than the agent. */
export function runtimeDockerfile(base: string): string {
  return [`FROM ${base}`, 'COPY node /usr/local/bin/node', ''].join('\n');
}

/** Loads every chunk once, so that what the agent imports lazily is in the cache too. Importing does nothing else. */
const LOAD_CHUNKS = [
  'import { readdirSync } from "node:fs";',
  'const chunks = "/opt/openlegion/chunks/";',
  'for (const file of readdirSync(chunks)) if (file.endsWith(".js")) await import(chunks + file);',
].join(' ');

/**
 * The agent. Its compile cache is made by one start at the end of its input, as the user it will run as, because
 * Node keys the cache by user; after that it belongs to root and cannot be changed. An agent that fails here is still
 * built: it would only start more slowly.
 */
export function agentDockerfile(runtime: string): string {
  const warm = (program: string) =>
    `timeout 20 setpriv --reuid=1000 --regid=1000 --clear-groups ${program} </dev/null >/dev/null 2>&1 || true`;
  return [
    `FROM ${runtime}`,
    'COPY openlegion /opt/openlegion',
    'RUN install -d -o 1000 -g 1000 /opt/openlegion/compile-cache \\',
    ' && (cd /data; export NODE_COMPILE_CACHE=/opt/openlegion/compile-cache HOME=/data; \\',
    `  ${warm('node /opt/openlegion/agent.js')}; \\`,
    `  ${warm(`node --input-type=module -e '${LOAD_CHUNKS}'`)}) \\`,
    ' && chown -R root:root /opt/openlegion && chmod -R a+rX,go-w /opt/openlegion \\',
    ' && rm -rf /tmp/* && find /data -mindepth 1 -delete',
    'ENV NODE_COMPILE_CACHE=/opt/openlegion/compile-cache NODE_ENV=production',
    'WORKDIR /data',
    'USER 1000:1000',
    'CMD ["node", "/opt/openlegion/agent.js"]',
    '',
  ].join('\n');
}

/*
 * What programs in a container find without knowing where they are. The image sets it for whatever is started there
 * (a shell of `docker exec` too), the agent for the programs that it starts; so both have it from here.
 */

/** Ports on the container's own loopback, served by the agent's process from `/start` on. */
export const PROXY_PORT = 3128;
export const MODEL_PORT = 8400;

/** Written at `/start`, on a tmpfs: the root of the container is read-only, and each agent has its own authority. */
export const TRUST_DIRECTORY = '/tmp/.openlegion';
/** The agent's own authority alone. */
export const AUTHORITY_FILE = `${TRUST_DIRECTORY}/authority.pem`;
/** The public roots and the authority: a program that is given a file trusts nothing else. */
export const ROOTS_FILE = `${TRUST_DIRECTORY}/roots.pem`;
/** Where the image keeps the public roots that Debian's bundle held. */
export const PUBLIC_ROOTS_FILE = '/etc/ssl/public-roots.pem';

const PROXY = `http://127.0.0.1:${PROXY_PORT}`;
const MODELS = `http://127.0.0.1:${MODEL_PORT}`;
const NO_PROXY = '127.0.0.1,localhost,::1';

/** Nothing here is secret, and nothing here limits: without it a program reaches nothing at all. */
export const PROGRAM_ENVIRONMENT: Readonly<Record<string, string>> = {
  HTTP_PROXY: PROXY,
  HTTPS_PROXY: PROXY,
  http_proxy: PROXY,
  https_proxy: PROXY,
  NO_PROXY,
  no_proxy: NO_PROXY,
  // OpenSSL's programs, Python, Go, Ruby; then those that have a name of their own for it.
  SSL_CERT_FILE: ROOTS_FILE,
  CURL_CA_BUNDLE: ROOTS_FILE,
  REQUESTS_CA_BUNDLE: ROOTS_FILE,
  PIP_CERT: ROOTS_FILE,
  GIT_SSL_CAINFO: ROOTS_FILE,
  AWS_CA_BUNDLE: ROOTS_FILE,
  CARGO_HTTP_CAINFO: ROOTS_FILE,
  DENO_CERT: AUTHORITY_FILE,
  NODE_EXTRA_CA_CERTS: AUTHORITY_FILE,
  NODE_USE_ENV_PROXY: '1',
  npm_config_cafile: ROOTS_FILE,
  // No one is there to be asked.
  GIT_TERMINAL_PROMPT: '0',
  PIP_NO_INPUT: '1',
  // The root is read-only and nobody else's: what is installed goes to the agent's own volume, where pip turns by
  // itself. PIP_USER would say so too, and break every virtual environment.
  PIP_BREAK_SYSTEM_PACKAGES: '1',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  npm_config_update_notifier: 'false',
  npm_config_fund: 'false',
  npm_config_audit: 'false',
  // What is installed and kept lies on the agent's own volume, beside its workspace.
  XDG_CACHE_HOME: '/data/.cache',
  PYTHONUSERBASE: '/data/.local',
  npm_config_prefix: '/data/.local',
  npm_config_cache: '/data/.cache/npm',
  PIP_CACHE_DIR: '/data/.cache/pip',
  // The mesh's own model endpoint. It takes no key, but clients refuse to start without one.
  OPENAI_BASE_URL: `${MODELS}/v1`,
  OPENAI_API_KEY: 'none',
  ANTHROPIC_BASE_URL: MODELS,
  ANTHROPIC_API_KEY: 'none',
};

/**
 * Where an installation keeps things: a pure function of its home directory, so that every process agrees.
 * `home` holds `config/` (the operator's) and `data/` (ours). Sockets live in `run`, a short path outside the
 * home, because a Unix socket's path is limited to 107 bytes and the vault's own users cannot enter a private home.
 */
export interface Installation {
  home: string;
  run: string;
}

export function configPaths(home: string) {
  const config = `${home}/config`;
  return {
    directory: config,
    mesh: `${config}/mesh.yaml`,
    agents: `${config}/agents.yaml`,
    permissions: `${config}/permissions.json`,
    scripts: `${config}/scripts`,
    /** Installed skills, one folder each; what was approved of them is in the lock. */
    skills: `${config}/skills`,
    skillsLock: `${config}/skills.lock.json`,
  };
}

export function dataPaths(home: string) {
  const data = `${home}/data`;
  return {
    directory: data,
    meshDatabase: `${data}/mesh.db`,
    artifacts: `${data}/artifacts`,
    /** Belongs to the keeper's uid: `vault.db` is in it. */
    keeperDirectory: `${data}/keeper`,
    /** 32 bytes that unlock the store; 0600, owned by the person; reaches the keeper as a file descriptor. */
    vaultKey: `${data}/vault.key`,
    /** The CLI's bearer token; 0600. */
    controlToken: `${data}/control.token`,
    auditPublicKey: `${data}/audit.pub`,
    logs: `${data}/logs`,
    /** JSON `{pid, port, run, startedAt}` of the running supervisor. */
    supervisor: `${data}/supervisor.json`,
  };
}

export function socketPaths(run: string) {
  return {
    keeperGateway: `${run}/keeper-gateway.sock`,
    keeperHost: `${run}/keeper-host.sock`,
    keeperAdmin: `${run}/keeper-admin.sock`,
    gateway: `${run}/gateway.sock`,
    scripted: `${run}/scripted.sock`,
  };
}

/**
 * How the supervisor runs the parts (keeper, gateway, scripted, host).
 *
 * - Argument: `--config-json` and one JSON object, the part's own settings (never a secret).
 * - Environment: PATH, HOME, LANG, TZ; the host also gets the engine's variables (`DOCKER_HOST` …).
 * - fd 0: the lifeline. It carries nothing; at its end the part stops.
 * - fd 1, 2: the part's log.
 * - fd 3: one line of JSON from the part, a `PartReady` or a `PartFailed`, then closed.
 * - fd 4: the keeper only: the vault key file, opened by the supervisor and never read by it.
 */
export type PartName = 'keeper' | 'gateway' | 'scripted' | 'host';

export type PartReport =
  | { ready: true; detail: Record<string, string | number | boolean> }
  | { ready: false; message: string; remedy: string };

export interface KeeperSettings {
  keeperDirectory: string;
  run: string;
  /** Dropped to after start where the installation has root; null without. */
  uid: number | null;
  /** Owner of keeper-gateway.sock. */
  gatewayUid: number | null;
}

export interface GatewaySettings {
  run: string;
  uid: number | null;
}

export interface ScriptedSettings {
  run: string;
  scriptsDirectory: string;
  /** Owner of scripted.sock, so that the gateway reaches it; null where all parts run as one user. */
  gatewayUid: number | null;
  /** Listens on 127.0.0.1 instead of the socket (tests and benchmarks); 0 takes a free port, told in the report. */
  listen?: { port: number };
}

export interface HostSettings {
  home: string;
  run: string;
  /** Runs agents in the strongest sandbox the engine offers. */
  sandbox: boolean;
  /** Overrides mesh.yaml's port; 0 takes a free one (the demo). */
  port: number | null;
  vaultHasOwnUids: boolean;
}

/** An agent's private volume, made ready for one start. */
export interface DataVolume {
  name: string;
  /** Whether its root belongs to the agent's user already. */
  owned: boolean;
  /** Bytes in it now, where the limit is only polled (null: not known yet); null where the machine enforces it. */
  usedBytes: (() => Promise<number | null>) | null;
  /** Called when the container that used it is gone. */
  release(): Promise<void>;
}

/** How the size of /data is bounded on this machine, and the volumes that are. */
export interface DataVolumes {
  /** Why a hard limit cannot be given; null where it can. */
  readonly cannotEnforce: string | null;
  prepare(installation: string, agent: string, bytes: number): Promise<DataVolume>;
  /** Removes the volume and all that it holds on this machine. */
  remove(installation: string, agent: string): Promise<void>;
  /** Frees what a crash left attached. No container of the installation runs any more. */
  removeLeftovers(): Promise<void>;
}

/** The little of SQLite that the history needs. Tests wrap it to end the process at any write, or to fill the disk. */
export interface Database {
  /** One write, committed when it returns unless inside `transaction`. */
  write(sql: string, ...values: SqlValue[]): void;
  read(sql: string, ...values: SqlValue[]): Record<string, unknown>[];
  /** All of `work`'s writes or none. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

export type SqlValue = string | number | null | Uint8Array;

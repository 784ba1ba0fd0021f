/** `pinned` is null for a tool that came later and waits; `now` is what its server says where that is something else. */
export const TOOL_PIN_MIGRATION = `
  CREATE TABLE tool_pin (
    agent TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL,
    pinned TEXT, now TEXT, since TEXT NOT NULL,
    PRIMARY KEY (agent, server, tool)
  ) STRICT, WITHOUT ROWID;
`;

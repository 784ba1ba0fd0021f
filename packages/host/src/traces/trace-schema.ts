/** What finding the messages, and the decisions, of one trace takes. */
export const TRACE_SCHEMA = `
  CREATE INDEX message_trace ON message (trace_id, ordinal);
  CREATE INDEX audit_trace ON audit (trace_id, seq) WHERE trace_id <> '';
`;

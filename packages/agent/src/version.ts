/** What `GET /status` reports; the same as package.json's, which the bundle does not carry. */
export const AGENT_VERSION = '0.1.0';

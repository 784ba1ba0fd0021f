/**
 * What every route, on every surface, says of itself before it can exist. Zone 1 is an agent on its own pipe, zone
 * 2.5 the operator with the token of the control API; a route of one is not there for the other.
 */
export interface RouteDeclaration {
  method: 'GET' | 'POST' | 'PUT';
  /** With `{name}` for a part that varies, `{rest}` for all that follows. */
  path: string;
  zone: 1 | 2.5;
  /** What decides, in the terms of permissions.json; `self` shows an agent nothing but itself. */
  permission: 'allowed_apis: llm' | 'can_message' | 'self' | 'operator';
}

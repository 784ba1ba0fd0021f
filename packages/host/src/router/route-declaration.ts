import type { Role } from '@openlegion/contract/control-caller';

/**
 * What every route, on every surface, says of itself before it can exist. Zone 1 is an agent on its own pipe, zone
 * 2.5 a person with a token of the control API; a route of one is not there for the other.
 */
export interface RouteDeclaration {
  /** `any`: every method that a service may have, see `SERVICE_METHODS`. */
  method: 'GET' | 'POST' | 'PUT' | 'CONNECT' | 'any';
  /** With `{name}` for a part that varies, `{rest}` for all that follows. Of CONNECT it is the authority. */
  path: string;
  zone: 1 | 2.5;
  /**
   * What decides, in the terms of permissions.json; `self` shows an agent nothing but itself. On `allowed_domains`
   * and `allowed_credentials` the keeper decides, for each request that is made through the route. Of zone 2.5: the
   * least role that may use it.
   */
  permission:
    | 'allowed_apis: llm'
    | 'allowed_apis: vault'
    | 'allowed_credentials'
    | 'allowed_domains'
    | 'allowed_apis: agent_history'
    | 'allowed_apis: workflow_propose'
    | 'blackboard_read'
    | 'blackboard_write'
    | 'can_message'
    | 'can_publish'
    | 'can_spawn'
    | 'can_subscribe'
    | 'self'
    | Role;
}

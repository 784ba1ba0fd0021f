/** What `browser_actions` names: each is the tool `browser_` and its name. */
export const BROWSER_ACTIONS = [
  'navigate',
  'snapshot',
  'screenshot',
  'evaluate',
  'wait',
  'click',
  'type',
  'press',
  'select',
  'scroll',
  'tabs',
  'upload',
  'download',
  'reset',
] as const;

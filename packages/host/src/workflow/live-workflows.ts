import type { ConfigProblem } from '../config/config-problem.ts';
import type { FleetConfig } from '../config/fleet-config.ts';
import type { Pubsub } from '../pubsub/pubsub.ts';
import type { CompiledWorkflow } from './compile-workflow.ts';
import type { Definitions } from './definitions.ts';
import { type LoadedWorkflow, type LoadedWorkflows, loadWorkflows } from './load-workflows.ts';
import { topicOf } from './start-run.ts';
import { workflowNamespace } from './workflow-namespace.ts';

/** What stands in `config/workflows` now. */
export interface LiveWorkflows {
  /** Reads the folder again, notes each definition, and lets each topic start what it triggers. */
  refresh(): Promise<void>;
  current(): ReadonlyMap<string, CompiledWorkflow>;
  loaded(name: string): LoadedWorkflow | null;
  all(): readonly LoadedWorkflow[];
  found(): LoadedWorkflows;
  problems(): readonly ConfigProblem[];
}

const subscriberOf = (name: string) => `workflow:${name}`;

export function createLiveWorkflows(parts: {
  /** `{home}/config/workflows` */
  directory: string;
  config: Pick<FleetConfig, 'agents'>;
  definitions: Definitions;
  pubsub: Pick<Pubsub, 'subscribe' | 'unsubscribe' | 'subscriptions'> | null;
  warn: (message: string) => void;
}): LiveWorkflows {
  const { directory, config, definitions, pubsub, warn } = parts;
  let workflows: ReadonlyMap<string, LoadedWorkflow> = new Map();
  let problems: readonly ConfigProblem[] = [];
  let last: Promise<void> = Promise.resolve();

  async function refresh(): Promise<void> {
    const loaded = loadWorkflows(directory, config.agents);
    for (const { workflow, text } of loaded.workflows.values())
      if (!definitions.find(workflow.hash)) await definitions.propose(workflow, text, 'config');
    ({ workflows, problems } = loaded);
    await subscribe();
  }

  /** Topics are heard only for what is accepted; what was subscribed for a definition that is gone is given up. */
  async function subscribe(): Promise<void> {
    if (!pubsub) return;
    const wanted = new Map<string, { namespace: string; topic: string; subscriber: string }>();
    for (const { workflow } of workflows.values()) {
      const topic = topicOf(workflow.definition);
      if (topic === null || !isAccepted(workflow)) continue;
      const subscriber = subscriberOf(workflow.definition.name);
      const namespace = workflowNamespace(workflow.definition, config);
      wanted.set(keyOf({ namespace, topic, subscriber }), { namespace, topic, subscriber });
    }
    for (const { namespace, topic, subscriber, mode } of pubsub.subscriptions(null)) {
      const subscription = { namespace, topic, subscriber };
      if (mode !== 'workflow' || wanted.delete(keyOf(subscription))) continue;
      await pubsub.unsubscribe(subscription);
    }
    for (const subscription of wanted.values()) {
      const done = await pubsub.subscribe({ ...subscription, mode: 'workflow' });
      if (!done.ok) warn(`${subscription.subscriber}: ${done.refusal.message}`);
    }
  }

  const isAccepted = ({ hash }: CompiledWorkflow) => (definitions.find(hash)?.acceptedBy ?? null) !== null;

  return {
    // One after the other: two that overlap could each undo the other's subscriptions.
    refresh() {
      const mine = last.then(refresh);
      last = mine.catch(() => {});
      return mine;
    },
    current: () => new Map([...workflows].map(([name, { workflow }]) => [name, workflow])),
    loaded: (name) => workflows.get(name) ?? null,
    all: () => [...workflows.values()],
    found: () => ({ workflows, problems }),
    problems: () => problems,
  };
}

function keyOf(subscription: { namespace: string; topic: string; subscriber: string }): string {
  return JSON.stringify([subscription.namespace, subscription.topic, subscription.subscriber]);
}

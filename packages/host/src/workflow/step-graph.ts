/** What the steps of a workflow wait for. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** Every step after those it depends on, otherwise as written; or one cycle, its first step repeated at its end. */
export function orderOf(graph: Dependencies): { order: string[] } | { cycle: string[] } {
  const waits = new Map([...graph].map(([id, needs]) => [id, needs.length]));
  const dependants = dependantsOf(graph);
  const order = [...graph.keys()].filter((id) => waits.get(id) === 0);
  for (const id of order) {
    for (const dependant of dependants.get(id) ?? []) {
      const left = (waits.get(dependant) ?? 0) - 1;
      waits.set(dependant, left);
      if (left === 0) order.push(dependant);
    }
  }
  if (order.length === graph.size) return { order };
  const done = new Set(order);
  return { cycle: cycleAmong(graph, done) };
}

/** Every step that is left waits for another that is left, so that going back along them must come round. */
function cycleAmong(graph: Dependencies, done: ReadonlySet<string>): string[] {
  const path: string[] = [];
  let at = [...graph.keys()].find((id) => !done.has(id));
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = graph.get(at)?.find((id) => !done.has(id));
  }
  const cycle = at === undefined ? path : [...path.slice(path.indexOf(at)), at];
  return cycle.reverse();
}

export function dependantsOf(graph: Dependencies): Map<string, string[]> {
  const dependants = new Map<string, string[]>([...graph.keys()].map((id) => [id, []]));
  for (const [id, needs] of graph) for (const need of needs) dependants.get(need)?.push(id);
  return dependants;
}

/** Everything that a step waits for, at any distance. */
export function ancestorsOf(graph: Dependencies, id: string): Set<string> {
  const found = new Set<string>();
  const open = [...(graph.get(id) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(graph.get(next) ?? []));
  }
  return found;
}

import { MeshConfig, type OwnModelConfig } from '@openlegion/contract/mesh-config';
import { OpenLegionError } from '@openlegion/contract/open-legion-error';
import { type Document, isMap, isScalar, parseDocument } from 'yaml';
import { z } from 'zod';
import { setInYaml } from '../configuration/set-in-yaml.ts';

/** A model as mesh.yaml has it; what is not given stays as it stands there. */
export type OwnModelEntry = Partial<z.input<typeof OwnModelConfig>>;

export interface OwnModelChange {
  provider: string;
  model: string;
  entry: OwnModelEntry;
}

/**
 * mesh.yaml with the models set under `llm.providers`, and everything else, comments too, as it was; null when they
 * were so already. Throws `bad_request` when the outcome is no valid configuration, with what is wrong in it.
 */
export function editOwnModels(text: string, changes: readonly OwnModelChange[]): string | null {
  let edited = text;
  for (const { provider, model, entry } of changes) {
    const document = parseDocument(edited);
    if (document.errors.length > 0) throw invalid(document.errors[0]?.message ?? 'it is not YAML');
    const models = ['llm', 'providers', provider, 'models'];
    const at = [...models, spelledAt(document, models, model)];
    const before = valueAt(document, at);
    const after = { ...before, ...entry };
    if (JSON.stringify(before) !== JSON.stringify(after)) edited = setOrRefuse(edited, at, after);
  }
  if (edited === text) return null;
  const parsed = MeshConfig.safeParse(parseDocument(edited).toJS());
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  return edited;
}

function setOrRefuse(text: string, at: readonly string[], value: object): string {
  try {
    return setInYaml(text, at, value);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'a part of it is no map');
  }
}

/** The key under which the model stands there already: names that differ in case alone are one model. */
function spelledAt(document: Document, path: readonly string[], model: string): string {
  const models: unknown = document.getIn(path);
  if (!isMap(models)) return model;
  for (const { key } of models.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    if (name.toLowerCase() === model.toLowerCase()) return name;
  }
  return model;
}

function valueAt(document: Document, at: readonly string[]): object {
  const node: unknown = document.getIn(at);
  return isMap(node) ? z.record(z.string(), z.unknown()).parse(node.toJS(document)) : {};
}

function invalid(what: string): OpenLegionError {
  return new OpenLegionError({
    code: 'bad_request',
    rule: 'cli.models',
    message: `config/mesh.yaml cannot be changed: ${what}`,
    remedy:
      'Correct it there, or write the model under llm.providers by hand; docs/models.md shows the form.',
  });
}

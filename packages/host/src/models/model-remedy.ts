import type { ModelAbsence } from '@openlegion/contract/find-model';

/** Why a model cannot be called, and what a person does about it; both in one sentence each. */
export function modelRemedy(name: string, missing: ModelAbsence): { reason: string; remedy: string } {
  const provider = name.slice(0, name.indexOf('/'));
  if (missing === 'provider')
    return {
      reason: `there is no model provider "${provider}"`,
      remedy: `Correct the name (./openlegion models list shows what there is), or add the provider under llm.providers in config/mesh.yaml.`,
    };
  if (missing === 'address')
    return {
      reason: `the address of "${provider}" is each customer's own, and yours is not configured`,
      remedy: `Set llm.providers.${provider}.base_url in config/mesh.yaml.`,
    };
  return {
    reason: `what ${name} costs is not known, so it is not called`,
    remedy: `Correct the name (./openlegion models list --provider ${provider}), or give its price: ./openlegion models price ${name} --input 0.40 --output 1.60 (US dollars a million tokens).`,
  };
}

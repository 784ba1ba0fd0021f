import { type SanitiseTally, sanitise } from './sanitise.ts';

declare const CLEAN: unique symbol;

/**
 * Text that may stand in a prompt: our own words, or what passed `sanitise`. Only this file makes it, so that the
 * compiler finds whatever would come into a prompt on another way.
 */
export type PromptText = string & { readonly [CLEAN]: true };

/** The elements in which prompts hold what others wrote. `sanitise` lets no text begin or end one of them. */
export type FrameName =
  | 'agent_message'
  | 'conversation'
  | 'conversation_summary'
  | 'own_notes'
  | 'project'
  | 'recalled_memory'
  | 'skills'
  | 'task_context'
  | 'task_input'
  | 'task_output_schema'
  | 'workspace_file';

/** Outside text as a prompt may hold it. `tally` counts what was taken out. */
export function clean(text: string, tally?: SanitiseTally): PromptText {
  return sanitise(text, tally) as PromptText;
}

/** Our own words around texts that are clean: ours`Your role: ${clean(role)}.` */
export function ours(words: TemplateStringsArray, ...texts: (PromptText | number)[]): PromptText {
  return String.raw({ raw: words }, ...texts) as PromptText;
}

/** Those of `parts` that say something. */
export function joinText(parts: readonly PromptText[], between = '\n\n'): PromptText {
  return parts.filter((part) => part.trim() !== '').join(between) as PromptText;
}

/** What others wrote, inside an element that it cannot close. `of`: whose it is, reduced to a plain name. */
export function frame(
  name: FrameName,
  text: string,
  of?: { as: 'name' | 'from'; value: string },
): PromptText {
  const attribute = of ? ` ${of.as}="${of.value.replaceAll(/[^A-Za-z0-9_./ -]/g, '_')}"` : '';
  return `<${name}${attribute}>\n${clean(text)}\n</${name}>` as PromptText;
}

import type { SkillReport } from '@openlegion/contract/skill-lock';
import { parse } from 'yaml';
import type { SkillTree } from './hash-skill.ts';

const MAX_LISTED = 50;
const TEXT_BYTES = 512 * 1024;
const SCRIPT = /\.(?:[cm]?[jt]s|py|sh|bash|rb|pl|ps1|bat|cmd|exe|so|jar|php|lua)$/i;
/** What hides text from whoever reads it: tags, bidi controls, zero width; what scripts and emoji need is left. */
const HIDDEN =
  /(?!\u200C|\u200D|\uFE0E|\uFE0F|\uFEFF)\p{Default_Ignorable_Code_Point}|[\u202A-\u202E\u2066-\u2069]/gu;

type Found = Pick<
  SkillReport,
  'files' | 'packs' | 'tools' | 'scripts' | 'hosts' | 'variables' | 'credentials' | 'warnings'
>;

/**
 * What a skill asks for, as far as its text says. It is read, never run: a skill that hides what it does shows less
 * here, and gets no more for it, since what its agents may reach is granted to them and not to it.
 */
export function reportSkill(tree: SkillTree): Found {
  const found: Found = {
    files: [...tree].map(([path, content]) => ({ path, bytes: content.length })),
    ...{ packs: [], tools: [], scripts: [], hosts: [], variables: [], credentials: [], warnings: [] },
  };
  const sets = {
    tools: new Set<string>(),
    hosts: new Set<string>(),
    variables: new Set<string>(),
    credentials: new Set<string>(),
  };
  for (const [path, content] of tree) {
    if (content.includes(0)) {
      found.warnings.push(`${path} is no text and was not looked into`);
      continue;
    }
    const text = content.subarray(0, TEXT_BYTES).toString('utf8');
    if (content.length > TEXT_BYTES)
      found.warnings.push(`${path} was looked into up to ${TEXT_BYTES / 1024} KiB`);
    if (SCRIPT.test(path) || text.startsWith('#!')) found.scripts.push(path);
    const hidden = text.match(HIDDEN)?.length ?? 0;
    if (hidden > 0) found.warnings.push(`${path} has ${hidden} characters that cannot be seen`);
    if (path === 'SKILL.md' || path.endsWith('/SKILL.md')) notePack(path, text, found);
    if (isModule(path))
      collect(
        sets.tools,
        text,
        /\bname\s*:\s*['"`]([a-z][a-z0-9_]{0,63})['"`]/g,
        text.includes('defineTool'),
      );
    collect(sets.hosts, text, /\b(?:https?|wss?):\/\/([A-Za-z0-9.-]+\.[A-Za-z]{2,})/g);
    collect(
      sets.variables,
      text,
      /(?:process\.env(?:\.|\[['"])|os\.environ(?:\.get\(|\[)['"]|os\.getenv\(['"]|\$\{?(?!CRED\{))([A-Z][A-Z0-9_]{2,99})/g,
    );
    collect(sets.credentials, text, /\$CRED\{([a-z0-9_]{1,100})\}/g);
    noteInstall(path, text, found);
  }
  for (const name of ['tools', 'hosts', 'variables', 'credentials'] as const)
    found[name] = [...sets[name]].sort().slice(0, MAX_LISTED);
  found.warnings = found.warnings.slice(0, MAX_LISTED);
  return found;
}

/** Where the agent looks for modules. */
function isModule(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.d.ts') && /(?:^|\/)tools\/[^/]+$/.test(path);
}

function collect(into: Set<string>, text: string, pattern: RegExp, when = true): void {
  if (!when) return;
  for (const match of text.matchAll(pattern))
    if (match[1] !== undefined && into.size < 500)
      into.add(match[1].toLowerCase() === match[1] ? match[1] : keepCase(match[1]));
}

/** Hosts are told in lower case, variables as they are. */
function keepCase(text: string): string {
  return text.includes('.') ? text.toLowerCase() : text;
}

function notePack(path: string, text: string, found: Found): void {
  const front = /^\uFEFF?---[ \t]*\r?\n([\s\S]{0,16384}?)\r?\n---/.exec(text)?.[1];
  let value: unknown;
  try {
    value =
      front === undefined ? undefined : parse(front, { maxAliasCount: 0, uniqueKeys: true, schema: 'core' });
  } catch {
    value = undefined;
  }
  const { name, description }: { name?: unknown; description?: unknown } =
    typeof value === 'object' && value !== null ? value : {};
  if (typeof name === 'string' && typeof description === 'string')
    found.packs.push({ name: name.slice(0, 64), description: description.slice(0, 1024) });
  else found.warnings.push(`${path} has no name and description that can be read, and is no pack`);
}

function noteInstall(path: string, text: string, found: Found): void {
  const file = path.split('/').at(-1) ?? '';
  if (file === 'package.json' && /"(?:pre|post)?(?:install|prepare)"\s*:/.test(text))
    found.warnings.push(`${path} has install scripts; they are never run`);
  if (['setup.py', 'Makefile', 'Dockerfile', 'install.sh', '.gitattributes', '.gitmodules'].includes(file))
    found.warnings.push(`${path} is never run or heeded by OpenLegion`);
}

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { SkillReport } from '@openlegion/contract/skill-lock';
import { selfSigned } from '../verify/self-signed.ts';
import { installSkill, removeSkill } from './install-skill.ts';
import { checkInstalled } from './installed-skill.ts';
import { readSkillLock } from './skill-lock-file.ts';

/*
 * Skills from real repositories by real git over https, from a server of this test that serves what nobody should
 * install. What is attacked with is made as raw objects: git itself refuses to write most of it.
 */

const root = mkdtempSync(join(tmpdir(), 'openlegion-git-'));
const trust = join(root, 'trust.pem');
let server: Server;
let base = '';
let home = '';
const seen: string[] = [];

before(async () => {
  const { certificatePem, keyPem } = selfSigned(['localhost'], new Date());
  writeFileSync(trust, certificatePem);
  server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url?.startsWith('/moved.git')) {
      response.writeHead(302, { location: `${base}/good.git${request.url.slice('/moved.git'.length)}` });
      return response.end();
    }
    if (request.url?.startsWith('/locked.git')) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="give me your password"' });
      return response.end();
    }
    const url = new URL(request.url ?? '/', base);
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    });
    request.pipe(backend.stdin);
    backend.stdin.on('error', () => {});
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.once('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      for (const line of all.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(': ');
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(all.subarray(end + 4));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  base = `https://localhost:${address.port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
  mkdirSync(join(home, 'config'));
  seen.length = 0;
});

const git = (directory: string, args: string[], input?: string | Buffer): string =>
  execFileSync('git', args, {
    cwd: directory,
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, HOME: directory, GIT_CONFIG_NOSYSTEM: '1' },
  }).trim();

type Entry = [mode: string, name: string, content: string | Entry[]];

/** A bare repository with one commit whose tree is made by hand; a submodule's content is a commit's name. */
function repository(name: string, entries: Entry[]): string {
  const directory = join(root, `${name}.git`);
  if (!existsSync(directory)) {
    mkdirSync(directory);
    git(directory, ['init', '--quiet', '--bare', '-b', 'main', '.']);
    git(directory, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  }
  const tree = (of: Entry[]): string => {
    const raw = of.map(([mode, path, content]) => {
      const object = Array.isArray(content)
        ? tree(content)
        : mode === '160000'
          ? content
          : git(directory, ['hash-object', '-w', '--stdin'], content);
      return Buffer.concat([Buffer.from(`${mode} ${path}\0`), Buffer.from(object, 'hex')]);
    });
    return git(directory, ['hash-object', '-t', 'tree', '--literally', '-w', '--stdin'], Buffer.concat(raw));
  };
  const author = 'a <a@example.com> 0 +0000';
  const commit = git(
    directory,
    ['hash-object', '-t', 'commit', '-w', '--stdin'],
    `tree ${tree(entries)}\nauthor ${author}\ncommitter ${author}\n\nx\n`,
  );
  git(directory, ['update-ref', 'refs/heads/main', commit]);
  return commit;
}

const PACK =
  '---\nname: pdf\ndescription: Read PDF files.\n---\nUse https://api.example.com with $CRED{pdf_key}.\n';
const TOOL =
  "import { defineTool, z } from 'openlegion/skill';\nexport const a = defineTool({ name: 'pdf_pages', description: '', schema: z.object({}), run: () => process.env.PDF_HOME });\n";
const GOOD: Entry[] = [
  ['100644', 'SKILL.md', PACK],
  ['40000', 'tools', [['100755', 'pages.ts', TOOL]]],
];

function install(
  source: string,
  more: { ref?: string; folder?: string; name?: string; agents?: string[]; yes?: boolean } = {},
) {
  let report: SkillReport | undefined;
  const done = installSkill(
    {
      ...{ do: 'install', home, source, ref: more.ref ?? null, folder: more.folder ?? '' },
      ...{ name: more.name ?? null, agents: more.agents ?? [] },
    },
    {
      environment: process.env,
      now: () => new Date(0),
      trust,
      confirm: async (shown) => {
        report = shown;
        return more.yes ?? true;
      },
    },
  );
  return done.then((result) => ({ ...result, report }));
}

const installed = (): string[] =>
  existsSync(join(home, 'config/skills'))
    ? readdirSync(join(home, 'config/skills'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(home, 'config/skills').length + 1))
        .sort()
    : [];

async function stateOf(name: string): Promise<string | null> {
  const locked = readSkillLock(home).skills[name];
  assert.ok(locked);
  return (await checkInstalled(home, name, locked)).state.problem;
}

test('a skill of a repository is shown, pinned to its full commit, written after a yes, and removed', async () => {
  const commit = repository('good', GOOD);
  const declined = await install(`${base}/good.git`, { yes: false });
  assert.equal(declined.state, 'declined');
  assert.deepEqual([installed(), readSkillLock(home).skills], [[], {}]);
  const { state, name, report } = await install(`${base}/good.git`, { ref: 'main', agents: ['alice'] });
  assert.deepEqual([state, name], ['installed', 'pdf']);
  assert.deepEqual(installed(), ['pdf/SKILL.md', 'pdf/tools/pages.ts']);
  assert.equal(report?.commit, commit);
  assert.deepEqual(
    [
      report?.tools,
      report?.hosts,
      report?.variables,
      report?.credentials,
      report?.packs[0]?.name,
      report?.scripts,
    ],
    [['pdf_pages'], ['api.example.com'], ['PDF_HOME'], ['pdf_key'], 'pdf', ['tools/pages.ts']],
  );
  const locked = readSkillLock(home).skills.pdf;
  assert.deepEqual([locked?.commit, locked?.ref, locked?.agents], [commit, 'main', ['alice']]);
  assert.equal(await stateOf('pdf'), null);
  assert.equal((await install(`${base}/good.git`, { ref: 'main' })).state, 'kept');
  await removeSkill(home, 'pdf');
  assert.deepEqual([installed(), readSkillLock(home).skills], [[], {}]);
  await assert.rejects(removeSkill(home, 'pdf'), { rule: 'skills.name' });
  await assert.rejects(removeSkill(home, '../../x'), { rule: 'skills.name' });
});

test('what changed at its source is shown as changes, and what changed on disk is found until it is approved again', async () => {
  repository('good', GOOD);
  await install(`${base}/good.git`, { agents: ['alice'] });
  writeFileSync(join(home, 'config/skills/pdf/tools/pages.ts'), 'changed');
  assert.equal(await stateOf('pdf'), 'it was changed since it was approved');
  const second = repository('good', [
    ['100644', 'SKILL.md', `${PACK}More.\n`],
    ['100644', 'new.md', 'x'],
  ]);
  const { report } = await install(`${base}/good.git`);
  assert.deepEqual(report?.changes, {
    added: ['new.md'],
    changed: ['SKILL.md'],
    removed: ['tools/pages.ts'],
  });
  assert.equal(await stateOf('pdf'), null);
  const locked = readSkillLock(home).skills.pdf;
  assert.deepEqual([locked?.commit, locked?.agents], [second, ['alice']]);
  assert.deepEqual(installed(), ['pdf/SKILL.md', 'pdf/new.md']);
});

test('a full commit is what is taken, and a folder of the repository alone', async () => {
  const first = repository('many', [
    [
      '40000',
      'skills',
      [
        ['120000', 'link', '/etc/passwd'],
        ['40000', 'pdf', GOOD],
      ],
    ],
  ]);
  repository('many', [['100644', 'other.md', 'x']]);
  await install(`${base}/many.git`, { ref: first, folder: 'skills/pdf' });
  assert.deepEqual(installed(), ['pdf/SKILL.md', 'pdf/tools/pages.ts']);
  await assert.rejects(install(`${base}/many.git`, { ref: 'f'.repeat(40) }), { rule: 'skills.fetch' });
  await assert.rejects(install(`${base}/many.git`, { folder: 'nowhere' }), { rule: 'skills.tree' });
  await assert.rejects(install(`${base}/many.git`, { folder: '../..' }), { rule: 'skills.folder' });
});

test('nothing that a repository can hold gets written elsewhere, followed or run', async () => {
  const marker = join(root, 'ran');
  const script = `#!/bin/sh\ntouch ${marker}\n`;
  const attacks: Record<string, Entry[]> = {
    link: [['120000', 'SKILL.md', '/etc/passwd']],
    'link-folder': [
      ['120000', 'tools', '../../..'],
      ['100644', 'tools/x.ts', 'x'],
    ],
    submodule: [
      ['100644', '.gitmodules', '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch\n'],
      ['160000', 'x', 'a'.repeat(40)],
    ],
    traversal: [['40000', '..', [['100644', 'escaped', 'x']]]],
    absolute: [['100644', '/etc/x', 'x']],
    'dot-git': [['40000', '.git', [['40000', 'hooks', [['100755', 'post-checkout', script]]]]]],
    'git-folded': [['40000', '.GIT', [['100644', 'config', 'x']]]],
    'git-ntfs': [['40000', 'GIT~1', [['100644', 'config', 'x']]]],
    'git-hfs': [['40000', '.g\u200Cit', [['100644', 'config', 'x']]]],
    collision: [
      ['100644', 'README.md', 'a'],
      ['100644', 'readme.md', 'b'],
    ],
    bidi: [['100644', 'a\u202Egnp.ts', 'x']],
    invisible: [['100644', 'SKILL\u200B.md', 'x']],
    newline: [['100644', 'a\nb', 'x']],
    deep: [
      [
        '40000',
        'a',
        [
          [
            '40000',
            'a',
            [
              [
                '40000',
                'a',
                [
                  [
                    '40000',
                    'a',
                    [
                      [
                        '40000',
                        'a',
                        [['40000', 'a', [['40000', 'a', [['40000', 'a', [['100644', 'a', 'x']]]]]]]],
                      ],
                    ],
                  ],
                ],
              ],
            ],
          ],
        ],
      ],
    ],
    large: [['100644', 'a', 'x'.repeat(1_400_001)]],
    modules: [['40000', 'node_modules', [['100644', 'x.js', 'x']]]],
  };
  for (const [name, entries] of Object.entries(attacks)) {
    repository(`attack-${name}`, entries);
    await assert.rejects(
      install(`${base}/attack-${name}.git`, { name: 'evil' }),
      ({ rule, remedy }: { rule: string; remedy: string }) =>
        /^skills\.(?:tree|fetch)$/.test(rule) && remedy !== '',
      name,
    );
    assert.deepEqual(installed(), [], name);
  }
  repository(
    'many-files',
    [...Array(1001).keys()].map((index): Entry => ['100644', String(index).padStart(5, '0'), 'x']),
  );
  await assert.rejects(install(`${base}/many-files.git`, { name: 'evil' }), { rule: 'skills.size' });
  // What is taken is data: filters, attributes, install scripts and hooks of it are files like any other.
  repository('scripts', [
    ['100644', '.gitattributes', '* filter=evil\n* text eol=crlf\n'],
    ['100755', 'install.sh', script],
    ['100644', 'package.json', `{"scripts":{"postinstall":"touch ${marker}"}}`],
    ['100755', 'setup.py', `open(${JSON.stringify(marker)}, "w")`],
  ]);
  const { report } = await install(`${base}/scripts.git`, { name: 'scripts' });
  assert.equal(report?.warnings.length, 4);
  assert.equal(readFileSync(join(home, 'config/skills/scripts/install.sh'), 'utf8'), script);
  assert.equal(existsSync(marker), false);
  assert.equal(existsSync(join(home, 'escaped')), false);
});

test('configuration, hooks, helpers and variables of the person who installs have no say', async () => {
  repository('good', GOOD);
  const marker = join(root, 'ran-by-configuration');
  const evil = mkdtempSync(join(root, 'person-'));
  const helper = join(evil, 'helper.sh');
  writeFileSync(helper, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  writeFileSync(
    join(evil, '.gitconfig'),
    `[core]\n\tfsmonitor = ${helper}\n\thooksPath = ${evil}\n\tsshCommand = ${helper}\n[credential]\n\thelper = !${helper}\n[url "ext::${helper}"]\n\tinsteadOf = ${base}\n`,
  );
  const before = { ...process.env };
  Object.assign(process.env, {
    HOME: evil,
    GIT_CONFIG_GLOBAL: join(evil, '.gitconfig'),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.fsmonitor',
    GIT_CONFIG_VALUE_0: helper,
    GIT_ASKPASS: helper,
    GIT_EXEC_PATH: evil,
    GIT_DIR: evil,
    GIT_TEMPLATE_DIR: evil,
  });
  try {
    assert.equal((await install(`${base}/good.git`)).state, 'installed');
    await assert.rejects(install(`${base}/locked.git`, { name: 'x' }), { rule: 'skills.fetch' });
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
  assert.equal(existsSync(marker), false);
});

test('addresses other than plain https are refused before git is asked, and redirects are not followed', async () => {
  for (const source of [
    'http://localhost/x.git',
    'git://localhost/x',
    'ssh://localhost/x',
    'file:///etc',
    'ext::sh -c touch% /tmp/x',
    'git@localhost:x/y.git',
    'https://user:secret@localhost/x.git',
    'https://localhost/x.git#main',
    'data:text/plain,x',
    'https://localhost/a b',
    'HTTPS://localhost/\u202E',
    '--upload-pack=touch x://y',
  ])
    await assert.rejects(
      install(source),
      ({ rule }: { rule: string }) => /^skills\.(?:source|tree)$/.test(rule),
      source,
    );
  assert.equal(seen.length, 0);
  for (const ref of ['--upload-pack=touch', '-x', 'a..b', 'a b', 'a:b', '../x', 'a@{1}', 'x.lock', ''])
    await assert.rejects(install(`${base}/good.git`, { ref }), { rule: 'skills.ref' }, ref);
  assert.equal(seen.length, 0);
  repository('good', GOOD);
  await assert.rejects(install(`${base}/moved.git`, { name: 'moved' }), { rule: 'skills.fetch' });
  assert.equal(
    seen.some((line) => line.includes('/good.git')),
    false,
  );
});

test('a folder is taken as it is, without what is hidden, and refused with a link in it', async () => {
  const folder = join(root, 'My_Folder');
  mkdirSync(join(folder, '.git'), { recursive: true });
  writeFileSync(join(folder, '.git/config'), 'x');
  writeFileSync(join(folder, 'SKILL.md'), PACK);
  const { name, report } = await install(folder);
  assert.deepEqual([name, report?.commit, installed()], ['pdf', null, ['pdf/SKILL.md']]);
  await assert.rejects(install(folder, { ref: 'main' }), { rule: 'skills.ref' });
  symlinkSync('/etc/passwd', join(folder, 'link'));
  await assert.rejects(install(folder), { rule: 'skills.tree' });
  for (const bad of ['../x', 'A', 'a--b', '-a', '.', 'a/b', ''])
    await assert.rejects(
      install(dirname(folder), { name: bad }),
      ({ rule }: { rule: string }) => rule.startsWith('skills.'),
      bad,
    );
});

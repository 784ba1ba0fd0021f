import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContractContext } from './sandbox-contract.ts';

const NODE = `
import { execFileSync } from 'node:child_process';
import { createServer, connect } from 'node:http2';
import { networkInterfaces } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { watch, writeFileSync } from 'node:fs';
const answer = await new Promise((resolve) => new Worker('import("node:worker_threads").then((threads) => threads.parentPort.postMessage("worker"))', { eval: true }).once('message', resolve));
const database = new DatabaseSync('/data/a.db');
database.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)');
database.close();
const server = createServer((request, response) => response.end('served'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = connect('http://127.0.0.1:' + server.address().port);
const stream = client.request({ ':path': '/' });
let text = '';
for await (const chunk of stream) text += chunk;
client.close(); server.close();
watch('/data').close();
writeFileSync('/data/file', 'x');
console.log(answer, text, Object.keys(networkInterfaces()).join(), execFileSync('uname').toString().trim());
`;

const SHELL = `
set -e
cd /data
git init -q repository && cd repository
git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
git clone -q . ../clone && git -C ../clone log --format=%s
python3 - <<'END'
import http.server, socketserver, subprocess, threading, urllib.request, multiprocessing
server = socketserver.TCPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print('curl', subprocess.check_output(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:%d/' % server.server_address[1]]).decode())
with multiprocessing.Pool(2) as pool: print('pool', sum(pool.map(abs, [-1, -2])))
END
`;

/** A profile that refused what agents need would be as wrong as one that lets too much through. */
export function toolTests(context: ContractContext): void {
  const dataBytes = 48 * 1024 * 1024;

  test('Node works: workers, SQLite, HTTP/2 on loopback, interfaces, children, watches', async () => {
    const command = ['node', '--input-type=module', '-e', NODE];
    const { output, exit } = await context.run({ command, dataBytes });
    await context.backend().removeVolume(context.installation, 'alpha');
    assert.equal(output, 'worker served lo Linux\n', exit.stderr);
  });

  test('git, curl and python3 work', async () => {
    const command = ['sh', '-c', SHELL];
    const { output, exit } = await context.run({ command, dataBytes, agent: 'beta' });
    await context.backend().removeVolume(context.installation, 'beta');
    assert.equal(output, 'first\ncurl 200\npool 3\n', exit.stderr);
  });
}

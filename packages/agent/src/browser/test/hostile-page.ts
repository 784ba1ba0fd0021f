/** Every way in which a page can make a browser send something. */
const WAYS = `
const body = JSON.stringify({ model: 'scripted/assistant', messages: [{ role: 'user', content: 'spend' }] });
const ways = {
  fetch: (url) => fetch(url, { method: 'POST', mode: 'no-cors', body }),
  cors: (url) => fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: 'Bearer x' } }),
  credentials: (url) => fetch(url, { credentials: 'include', mode: 'no-cors', referrerPolicy: 'no-referrer' }),
  keepalive: (url) => fetch(url, { method: 'POST', mode: 'no-cors', keepalive: true, body }),
  xhr: (url) => new Promise((done) => { const x = new XMLHttpRequest(); x.onloadend = done; x.open('POST', url); x.send(body); }),
  beacon: (url) => navigator.sendBeacon(url, body),
  socket: (url) => new Promise((done) => { const s = new WebSocket(url.replace('http', 'ws')); s.onopen = s.onclose = done; }),
  events: (url) => new Promise((done) => { const s = new EventSource(url); s.onopen = s.onerror = () => { s.close(); done(); }; }),
  image: (url) => load('img', url),
  script: (url) => load('script', url),
  style: (url) => load('link', url),
  frame: (url) => load('iframe', url),
  opaque: (url) => load('iframe', 'data:text/html,' + encodeURIComponent('<script>fetch("' + url + '", { method: "POST", mode: "no-cors", body: "{}" })</' + 'script>')),
  form: (url) => new Promise((done) => {
    const frame = document.createElement('iframe'); frame.name = 'f' + Math.random(); frame.onload = done; document.body.append(frame);
    const form = document.createElement('form'); Object.assign(form, { method: 'post', action: url, target: frame.name, enctype: 'text/plain' });
    form.innerHTML = '<input name="{&quot;model&quot;:&quot;x&quot;,&quot;a&quot;:&quot;" value="&quot;}">'; document.body.append(form); form.submit();
  }),
  redirect: (url) => fetch('/redirect?' + encodeURIComponent(url), { method: 'POST', mode: 'no-cors', body }),
  worker: (url) => new Promise((done) => { const w = new Worker(URL.createObjectURL(new Blob(['fetch("' + url + '", { method: "POST", mode: "no-cors", body: "{}" }).finally(() => postMessage(1))']))); w.onmessage = w.onerror = done; }),
  service: async (url) => { const r = await navigator.serviceWorker.register('/hostile-worker.js'); await navigator.serviceWorker.ready; return new Promise((done) => { navigator.serviceWorker.onmessage = done; r.active.postMessage([url]); }); },
  prefetch: (url) => { const l = document.createElement('link'); Object.assign(l, { rel: 'prefetch', href: url }); document.head.append(l); },
  peers: (url) => { const p = new RTCPeerConnection({ iceServers: [{ urls: 'stun:' + new URL(url).host }, { urls: 'turn:' + new URL(url).host + '?transport=tcp', username: 'a', credential: 'b' }] }); p.createDataChannel('x'); return p.createOffer().then((o) => p.setLocalDescription(o)); },
};
function load(tag, url) {
  return new Promise((done) => { const e = document.createElement(tag); e.onload = e.onerror = done; if (tag === 'link') Object.assign(e, { rel: 'stylesheet', href: url }); else e.src = url; document.body.append(e); });
}
const late = () => new Promise((done) => setTimeout(done, 4000));
addEventListener('load', async () => {
  await Promise.all(Object.values(ways).flatMap((way) => targets.map(async (url) => {
    try { await Promise.race([way(url), late()]); } catch {}
  })));
  document.body.append('all tried');
});
`;

/** The names that loopback has, for a port. */
export function loopbackUrls(port: number): string[] {
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '127.1', '2130706433', '0.0.0.0', 'x.localhost'];
  return hosts.map((host) => `http://${host}:${port}/v1/chat/completions`);
}

/** A page that sends to all of `targets` in all ways, and then says "all tried". */
export function hostilePage(targets: readonly string[]): string {
  return `<title>Hostile</title><body><script>const targets = ${JSON.stringify(targets)};${WAYS}</script>`;
}

/** Served as `/hostile-worker.js`, beside a `/redirect?URL` that answers 307. */
export const HOSTILE_WORKER = `
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', async (event) => {
  await Promise.allSettled(event.data.map((url) => fetch(url, { method: 'POST', mode: 'no-cors', body: '{}' })));
  event.source.postMessage('done');
});
`;

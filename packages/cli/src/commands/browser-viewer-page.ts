/** The page of the viewer. What it shows of the agent's browser is a picture and two texts, never markup. */
export function browserViewerPage({
  agent,
  session,
  nonce,
}: {
  agent: string;
  session: string;
  nonce: string;
}): string {
  const given = JSON.stringify({ agent, session }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>OpenLegion browser</title>
<style nonce="${nonce}">
body { margin: 0; font: 14px system-ui, sans-serif; background: #222; color: #eee; }
header { display: flex; gap: 8px; align-items: center; padding: 8px; }
#place { flex: 1; min-width: 0; background: #333; color: inherit; border: 1px solid #555; padding: 6px; }
#screen { display: block; max-width: 100%; outline: none; }
.held #screen { box-shadow: 0 0 0 3px #e90; }
button { padding: 6px 10px; }
</style>
<header>
<strong id="agent"></strong>
<button id="back" title="Back">←</button><button id="forward" title="Forward">→</button><button id="reload" title="Reload">⟳</button>
<input id="place" aria-label="Address"><span id="title"></span>
<button id="hold">Take over</button><span id="state" role="status"></span>
</header>
<img id="screen" tabindex="0" alt="The agent's browser">
<script nonce="${nonce}">
const given = ${given};
${SCRIPT}
</script></html>`;
}

/* Watching alone sends nothing: what a person does goes to the browser while they hold it. */
const SCRIPT = `
const $ = (id) => document.getElementById(id);
const headers = { authorization: 'Bearer ' + given.session };
const screen = $('screen'), place = $('place');
let held = false, size = { width: 1280, height: 800 }, queue = [], sending = false, shown = '';
history.replaceState(null, '', '/');
$('agent').textContent = given.agent;
function say(text) { $('state').textContent = text; }
async function watch() {
  try {
    const answer = await fetch('/frames', { headers });
    if (!answer.ok) throw new Error(await answer.text());
    let text = '';
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
      const lines = text.split('\\n');
      text = lines.pop();
      const line = lines.findLast((one) => one !== '');
      if (line) show(JSON.parse(line));
    }
    say('ended; watching again');
  } catch (error) { say(String(error.message)); }
  held = false;
  setTimeout(watch, 2000);
}
function show(frame) {
  const bytes = Uint8Array.from(atob(frame.jpeg), (c) => c.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' }));
  screen.src = url;
  if (shown) URL.revokeObjectURL(shown);
  shown = url;
  size = frame;
  held = frame.held;
  document.body.classList.toggle('held', held);
  $('hold').textContent = held ? 'Give back' : 'Take over';
  $('title').textContent = frame.title;
  if (document.activeElement !== place) place.value = frame.url;
  say(held ? 'you hold it: the agent waits' : 'watching');
}
function send(event, always) {
  if (!held && !always) return;
  if (event.type === 'mouse' && event.event === 'move' && queue.at(-1)?.event === 'move') queue.pop();
  queue.push(event);
  if (!sending) flush();
}
async function flush() {
  sending = true;
  while (queue.length > 0) {
    const events = queue.splice(0, 100);
    try {
      const answer = await fetch('/input', { method: 'POST', headers, body: JSON.stringify({ events }) });
      if (!answer.ok) say(await answer.text());
    } catch (error) { say(String(error.message)); }
  }
  sending = false;
}
function at(event) {
  const box = screen.getBoundingClientRect();
  const scale = (value, shown, real) => Math.min(real, Math.max(0, (value / shown) * real));
  return { x: scale(event.clientX - box.left, box.width, size.width), y: scale(event.clientY - box.top, box.height, size.height) };
}
const BUTTONS = ['left', 'middle', 'right'];
for (const [name, what] of [['mousemove', 'move'], ['mousedown', 'down'], ['mouseup', 'up']])
  screen.addEventListener(name, (event) => { event.preventDefault(); screen.focus(); send({ type: 'mouse', event: what, ...at(event), button: BUTTONS[event.button] ?? 'left' }); });
screen.addEventListener('contextmenu', (event) => event.preventDefault());
screen.addEventListener('wheel', (event) => { event.preventDefault(); send({ type: 'wheel', x: event.deltaX, y: event.deltaY }); }, { passive: false });
const NAMED = /^(?:[ -~]|Enter|Tab|Escape|Backspace|Delete|Insert|Home|End|PageUp|PageDown|Arrow(?:Up|Down|Left|Right)|Shift|Control|Alt|Meta|F[0-9]{1,2})$/;
for (const [name, what] of [['keydown', 'down'], ['keyup', 'up']])
  screen.addEventListener(name, (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v') return;
    event.preventDefault();
    if (NAMED.test(event.key)) send({ type: 'key', event: what, key: event.key });
    else if (what === 'down' && [...event.key].length === 1) send({ type: 'text', text: event.key });
  });
document.addEventListener('paste', (event) => {
  if (document.activeElement === screen) send({ type: 'text', text: event.clipboardData.getData('text').slice(0, 10000) });
});
place.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  send({ type: 'navigate', url: /^https?:/.test(place.value) ? place.value : 'https://' + place.value });
  screen.focus();
});
for (const to of ['back', 'forward', 'reload']) $(to).addEventListener('click', () => send({ type: 'go', to }));
$('hold').addEventListener('click', () => send({ type: 'hold', on: !held }, true));
watch();
`;

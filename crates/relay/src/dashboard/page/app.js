// Logs in, keeps the stream of events open, and sends changes. The login's key stays in this origin's storage; the cookie beside it is
// out of every script's reach.

import { state, traffic } from './view.js';

const KEY = 'odb-dashboard-key';
const HEADER = 'x-odb-dashboard-key';
const RETRY_MS = [500, 1000, 2000, 5000];
const SLOTS = 720;

const element = (id) => document.getElementById(id);
let points = [];

async function post(path, value, headers = {}) {
  const key = localStorage.getItem(KEY) ?? '';
  const reply = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', [HEADER]: key, ...headers }, body: JSON.stringify(value) });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer?.error?.message ?? `the relay answered ${reply.status}`);
  return answer;
}

function show(loggedIn) {
  element('login').hidden = loggedIn;
  element('board').hidden = !loggedIn;
  element('logout').hidden = !loggedIn;
  if (!loggedIn) { element('where').textContent = ''; element('link').textContent = ''; element('code').focus(); }
}

function link(text) {
  if (element('link').textContent !== text) element('link').textContent = text;
}

/** Reads one stream to its end. Tells whether the relay took the login. */
async function follow(key) {
  const reply = await fetch('/dashboard/events', { headers: { [HEADER]: key, accept: 'text/event-stream' } });
  if (reply.status === 401) return false;
  if (!reply.ok) throw new Error(`the relay answered ${reply.status}`);
  points = [];
  link('live');
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return true;
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      take(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function take(block) {
  const fields = Object.fromEntries(block.split('\n').filter((line) => !line.startsWith(':')).map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  }));
  if (fields.event === 'traffic') {
    points = [...points, ...JSON.parse(fields.data)].slice(-SLOTS);
    traffic(points);
  }
  if (fields.event === 'state') {
    state(JSON.parse(fields.data));
    element('board').dataset.drawn = 'true';
  }
}

let following = false;
async function run() {
  if (following) return;
  following = true;
  let failures = 0;
  for (;;) {
    const key = localStorage.getItem(KEY);
    if (!key) break;
    show(true);
    try {
      if (!(await follow(key))) { localStorage.removeItem(KEY); break; }
      failures = 0;
    } catch { failures += 1; }
    link('not connected, trying again');
    await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
  }
  following = false;
  show(false);
}

element('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  element('login-error').textContent = '';
  try {
    const { key } = await post('/dashboard/login', { code: element('code').value });
    localStorage.setItem(KEY, key);
    element('code').value = '';
    await Promise.race([run(), Promise.resolve()]);
    element('main').focus();
  } catch (error) {
    element('login-error').textContent = error.message;
    element('code').focus();
  }
});

element('logout').addEventListener('click', async () => {
  try { await post('/dashboard/logout', {}); } catch { /* the login is over here in any case */ }
  localStorage.removeItem(KEY);
  location.reload();
});

async function change(path, value, admin = 'admin', told = 'change-result') {
  const result = element(told);
  result.className = '';
  result.textContent = 'Sending…';
  try {
    await post(path, value, { 'x-odb-admin-token': element(admin).value });
    result.textContent = 'Done.';
    return true;
  } catch (error) {
    result.className = 'error';
    result.textContent = error.message;
    return false;
  }
}

element('routing-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const value = {};
  for (const name of ['routingMode', 'activeSessionPolicy']) if (form.get(name)) value[name] = form.get(name);
  if (form.get('rolloutPercent')) value.rolloutPercent = Number(form.get('rolloutPercent'));
  change('/dashboard/routing', value);
});
element('reload').addEventListener('click', () => {
  if (element('admin').reportValidity()) change('/dashboard/reload', {});
});

const tell = (path, value) => change(path, value, 'incident-admin', 'incident-result');
element('incident-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const value = { severity: element('severity').value, kind: element('kind').value, route: element('lane').value,
    confirmed: element('confirmed').checked, summary: element('summary').value };
  if (await tell('/dashboard/incidents', value)) { element('summary').value = ''; element('confirmed').checked = false; }
});
element('resolve').addEventListener('click', async () => {
  if (!element('incident-admin').reportValidity()) return;
  const note = element('note').value;
  if (await tell('/dashboard/incidents/resolve', { id: element('incident').value, ...(note && { note }) })) element('note').value = '';
});

run();

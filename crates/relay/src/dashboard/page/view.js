// Draws the state into the page. What the relay does not tell is not drawn; nothing is guessed.

import { draw } from './plot.js';

// The width of a plot in steps: at least five minutes, so that a young relay's plots can be read.
const LEAST_SLOTS = 60;
const STEP_SECONDS = 5;

/** An element with attributes and children; texts become text nodes. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const body = (id) => document.querySelector(`#${id} .body`);
const none = (text) => h('p', { class: 'none' }, text);
const tag = (text, kind) => h('span', { class: kind ? `tag ${kind}` : 'tag' }, text);
const number = (value, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
const time = (iso) => (iso ? h('time', { datetime: iso, title: iso }, new Date(iso).toLocaleTimeString([], { hour12: false })) : '–');
const short = (id) => h('span', { class: 'id', title: id }, id.length > 12 ? `${id.slice(0, 12)}…` : id);

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(count) / 10)) : 0;
  return `${number(count / 1024 ** power, 1)} ${units[power]}`;
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== undefined);
  return h('dl', {}, known.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value === null ? '–' : value)]));
}

function table(caption, heads, rows) {
  const head = h('thead', {}, h('tr', {}, heads.map((text) => h('th', { scope: 'col' }, text))));
  const cells = rows.map((row) => h('tr', {}, row.map((cell) => h('td', {}, cell ?? '–'))));
  return h('div', { class: 'scroll', role: 'region', 'aria-label': caption, tabindex: '0' }, h('table', {}, head, h('tbody', {}, cells)));
}

/** Puts new content in place unless it says the same: focus and selection of the reader survive. */
function put(target, ...content) {
  const fresh = h('div', {}, ...content);
  const same = fresh.childNodes.length === target.childNodes.length && [...fresh.childNodes].every((node, index) => node.isEqualNode(target.childNodes[index]));
  if (!same) target.replaceChildren(...fresh.childNodes);
}

export function traffic(points) {
  const target = body('traffic');
  if (!target.children.length) target.append(...[0, 1, 2, 3].map(() => h('figure')));
  const [rate, errors, latency, sessions] = target.children;
  const slots = Math.max(LEAST_SLOTS, points.length);
  const since = `${number((slots * STEP_SECONDS) / 60)} min ago`;
  const of = (pick) => points.map(pick);
  const share = (pick) => of((point) => (point.requests ? (100 * point[pick]) / point.requests : null));
  draw(rate, { title: 'Requests', unit: '/s', slots, since, least: 1, format: (value) => number(value, 1),
    series: [{ name: 'requests', values: of((point) => point.requests / STEP_SECONDS) }] });
  draw(errors, { title: 'Errors', unit: '%', slots, since, least: 1, format: (value) => number(value, 1),
    series: [{ name: 'refusals', values: share('refusals') }, { name: 'faults of ours', values: share('faults') }] });
  draw(latency, { title: 'Latency', unit: 'ms', slots, since, least: 1, format: (value) => number(value, 1),
    series: [{ name: 'p50', values: of((point) => point.p50Ms) }, { name: 'p95', values: of((point) => point.p95Ms) }] });
  draw(sessions, { title: 'Sessions', unit: '', slots, since, least: 1, format: (value) => number(value),
    series: [{ name: 'sessions', values: of((point) => point.sessions) }] });
}

export function state({ status, sessions, incidents, adminEnabled }) {
  heading(status);
  alerts(status);
  sessionTable(status, sessions);
  circuits(status);
  scorecard(status.scorecard);
  incidentTable(incidents);
  routing(status);
  changes(adminEnabled);
  browsers(status);
  storage(status);
}

function heading(status) {
  const where = document.querySelector('#where');
  put(where, `${status.relayUrl} · version ${status.relayVersion} · process ${status.pid} · limits ${status.limitsProfile} · since `, time(status.startedAt));
  document.title = `relayd · ${status.activeOpsSessions} sessions`;
}

function alerts(status) {
  const raised = (status.alerts ?? []).map((alert) => h('div', { class: alert.severity === 'SEV-3' ? 'alert mild' : 'alert' },
    h('p', {}, h('strong', {}, `${alert.severity} ${alert.name}`), ` ${alert.reason}`), h('p', { class: 'hint' }, `${alert.owner}: ${alert.action}`)));
  const warnings = (status.warnings ?? []).map((text) => h('div', { class: 'alert mild' }, h('p', {}, text)));
  const fidelity = status.data_fidelity;
  const doubts = (fidelity?.reasons ?? []).map((text) => h('div', { class: 'alert mild' }, h('p', {}, tag(fidelity.level, 'warn'), ` ${text}`)));
  const draining = status.draining ? [h('div', { class: 'alert mild' }, h('p', {}, 'The relay is draining: it takes no new commands.'))] : [];
  const all = [...raised, ...draining, ...doubts, ...warnings];
  document.querySelector('#alerts').classList.toggle('quiet', !all.length);
  put(body('alerts'), ...(all.length ? all : [none('None.')]));
}

const STATES = { active: 'good', lost: 'bad', closed: '' };
function sessionTable(status, listed) {
  const rows = (listed?.sessions ?? []).map((session) => [short(session.sessionId), tag(session.state, STATES[session.state]), session.browser,
    number(session.targets), short(session.clientId), time(session.createdAt), time(session.leaseExpiresAt)]);
  const counts = `${status.activeOpsSessions} active on /ops, ${status.lostOpsSessions} lost, ${status.activeCdpSessions} on /cdp`;
  put(body('sessions'), h('p', { class: 'hint' }, counts),
    rows.length ? table('Sessions', ['Session', 'State', 'Browser', 'Pages', 'Client', 'Since', 'Lease until'], rows) : '');
}

const CIRCUITS = { closed: 'good', half_open: 'warn', open: 'bad' };
const history = new Map();
function circuits(status) {
  const known = status.adapterHealth?.sessions;
  if (!known) {
    return put(body('circuits'), status.adapterCircuitState ? circuitFacts(status) : none('Adapter health is not reported.'));
  }
  for (const session of known) remember(session);
  for (const id of history.keys()) if (!known.some((session) => session.sessionId === id)) history.delete(id);
  const rows = known.map((session) => [short(session.sessionId), session.adapter,
    h('span', {}, tag(session.adapterCircuitState, CIRCUITS[session.adapterCircuitState]), session.adapterHealthStale ? tag('stale', 'warn') : ''),
    `${session.adapterFaultCountWindow} in ${session.windowSeconds} s`, number(session.consecutiveSuccesses), time(session.adapterCooldownUntil),
    past(session.sessionId)]);
  put(body('circuits'), circuitFacts(status),
    rows.length ? table('Circuits', ['Session', 'Adapter', 'Circuit', 'Faults', 'Successes', 'Open until', 'Seen here'], rows) : '');
}
function circuitFacts(status) {
  return facts([['Worst circuit', tag(status.adapterCircuitState ?? '–', CIRCUITS[status.adapterCircuitState])],
    ['Scope', status.adapterScope], ['Disabled because', status.adapterDisableReason]]);
}
function remember(session) {
  const seen = history.get(session.sessionId) ?? [];
  if (seen.at(-1)?.state !== session.adapterCircuitState) seen.push({ state: session.adapterCircuitState, at: new Date().toISOString() });
  history.set(session.sessionId, seen.slice(-6));
}
function past(id) {
  const seen = history.get(id) ?? [];
  return h('span', {}, seen.flatMap((change, index) => [index ? ' → ' : '', change.state, ' ', time(change.at)]));
}

function scorecard(card) {
  if (!card) return put(body('scorecard'), none('There is no scorecard.'));
  const figure = (value, unit, digits = 2) => (value === null || value === undefined ? '–' : `${number(value, digits)} ${unit}`);
  const gate = h('p', {}, 'Gate of the phase ', h('strong', {}, card.phase), ' over ', card.window, ': ', tag(card.gateDecision, card.gateDecision === 'pass' ? 'good' : 'bad'));
  const reasons = (card.reasons ?? []).map((reason) => h('li', {}, reason.message));
  const triggers = (card.rollbackTriggers ?? []).map((trigger) => h('li', {}, tag(trigger.triggered ? 'rollback' : 'quiet', trigger.triggered ? 'bad' : 'good'), ` ${trigger.message}`));
  put(body('scorecard'), gate, facts([['Error rate', figure(card.opsErrorRatePct, '%')], ['p95 latency', figure(card.opsP95LatencyMs, 'ms')],
    ['Baseline p95', figure(card.cdpBaselineP95LatencyMs, 'ms')], ['Ratio', figure(card.latencyRatio, '×')],
    ['Crash-free sessions', figure(card.crashFreeSessionRatePct, '%')], ['P0 and P1 incidents', figure(card.p0p1IncidentCount, '', 0)],
    ['Baseline', card.baselineRef ?? 'none']]),
  reasons.length ? h('ul', { class: 'notes', 'aria-label': 'Why the gate fails' }, reasons) : '',
  triggers.length ? h('ul', { class: 'notes', 'aria-label': 'Triggers of the rollback' }, triggers) : '');
}

const SEVERITIES = { P0: 'bad', P1: 'bad', P2: 'warn' };
function incidentTable(incidents) {
  const rows = incidents.map(({ id, recordedAt, told, resolvedAt, note }) => [id, tag(told.severity, SEVERITIES[told.severity]), told.kind, told.route,
    h('span', { class: 'told' }, told.summary, told.confirmed ? tag('confirmed', 'bad') : ''), time(recordedAt),
    resolvedAt ? h('span', { title: note ?? undefined }, time(resolvedAt)) : tag('open', 'warn')]);
  put(body('incidents'), rows.length ? table('Incidents', ['Incident', 'Severity', 'About', 'Lane', 'What happened', 'Since', 'Resolved'], rows) : none('None was recorded.'));
  const open = incidents.filter((incident) => !incident.resolvedAt);
  const target = document.querySelector('#incident');
  const chosen = target.value;
  put(target, ...open.map(({ id, told }) => h('option', { value: id }, `${id}: ${told.summary.slice(0, 40)}`)));
  if (open.some(({ id }) => id === chosen)) target.value = chosen;
  target.disabled = document.querySelector('#resolve').disabled = !open.length;
}

function changes(adminEnabled) {
  for (const hint of document.querySelectorAll('.no-admin')) hint.hidden = adminEnabled;
  for (const controls of document.querySelectorAll('.controls')) controls.disabled = !adminEnabled;
}

function routing(status) {
  const legacy = status.effectiveRoutingMode === 'legacy-cdp';
  put(body('routing'), facts([['Mode', tag(status.effectiveRoutingMode, legacy ? 'warn' : 'good')], ['Kill switch from', status.opsKillSwitchSource],
    ['Rollout', `${status.opsRolloutPercent} %, ${status.opsRolloutAllowlistSize} on the allow list (${status.opsRolloutAllowlistSource}, ${status.opsRolloutAllowlistValidation})`],
    ['Active sessions', status.opsActiveSessionPolicy], ['Drain', `${status.opsDrainState}: ${status.opsSessionsDrainedCount} drained, ${status.opsSessionsTerminatedCount} terminated`],
    ['Window', `N ${status.compatibilityWindowN ?? '–'}, N-1 ${status.compatibilityWindowNMinus1 ?? '–'}, contract ${status.opsContractVersion}`],
    ['Refused for their version', number(status.unsupportedVersionCount)],
    ['Configuration', status.configDowngradeFallback ? tag(`fallback: ${status.configDowngradeReason}`, 'warn') : 'as written'], ['Last change', time(status.lastRoutingChangeAt)]]));
}

function browsers(status) {
  const rows = (status.browsers ?? []).map((browser) => [browser.product, browser.pid === null || browser.pid === undefined ? '–' : String(browser.pid), number(browser.sessions),
    tag(browser.sandboxed ? 'on' : 'off', browser.sandboxed ? 'good' : 'warn')]);
  put(body('browsers'), rows.length ? table('Browsers', ['Product', 'Process', 'Sessions', 'Sandbox'], rows) : none('No browser runs.'));
}

function storage(status) {
  const { journal, disk } = status.adapterHealth?.store ?? {};
  const pairs = [];
  if (journal) {
    pairs.push(['Health journal', tag(journal.state, journal.state === 'writing' ? 'good' : journal.state === 'off' ? '' : 'bad')], ['Records', `${number(journal.writtenRecords)} written, ${number(journal.lostRecords)} lost`],
      ['At the start', `${number(journal.replayedRecords)} replayed, ${number(journal.damagedLines)} damaged lines, ${number(journal.tornTails)} torn ends`]);
  }
  if (disk) {
    pairs.push(['Size', `${bytes(disk.usageBytes)} of ${bytes(disk.limitBytes)}`],
      ['Volume', `${number(100 * disk.volumeUsageRatio, 1)} % of ${disk.mount} (limit ${number(100 * disk.limitRatio)} %)`], ['Disk', disk.alert ? tag('alert', 'bad') : tag('fine', 'good')]);
  }
  put(body('storage'), pairs.length ? facts(pairs) : none('No journal is kept.'));
}

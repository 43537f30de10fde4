// DOM bridge: the page side of snapshot, locators, actionability, forms, reading and waiting.
//
// This is its first part, which every document has before its own scripts run, in an isolated world (Chromium) or a sandbox
// (Firefox): it hears clicks before the page's own listeners on window do, and tells the title. It defines `globalThis.__odb`,
// whose `call(name, args, element?)` answers with a JSON string, or a promise of one, and never throws:
//   {"ok": result}  or  {"err": {"code", "message", "details"}}.
// Most documents, frames above all, are never asked anything that needs the rest, which takes longer to be read than many a page.
//
// It adds no node and no attribute to the page and never reads globals of the page.
(function start() {
  'use strict';
  const doc = document;
  const had = globalThis.__odb;
  if (had && had.doc === doc) return;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const getter = (name) => uncurry(Object.getOwnPropertyDescriptor(Document.prototype, name).get);
  const title = getter('title');
  const url = getter('URL');
  const readyState = getter('readyState');
  const listen = uncurry(EventTarget.prototype.addEventListener);
  const top = globalThis.window || globalThis;

  // What the rest hears through: the listeners are there from the start, so that they run before those that the page puts on window.
  const ears = { guarded: null, submitted: null, typed: null, released: null };
  const GUARDED = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'auxclick', 'dblclick', 'contextmenu'];
  const LISTEN = { capture: true, passive: false };
  for (const type of GUARDED) listen(top, type, (event) => { if (ears.guarded) ears.guarded(event); }, LISTEN);
  // However a form is submitted, by a button or by a script, its entries are collected at once.
  listen(top, 'formdata', () => { if (ears.submitted) ears.submitted(); }, LISTEN);

  // What is typed while another frame of the page is typed into is none of this one's business: it reaches nobody here.
  const TYPED = ['keydown', 'keypress', 'keyup', 'beforeinput', 'textInput'];
  let deaf = null;
  function onTyped(event) {
    if (!event.isTrusted) return;
    if (deaf && now() > deaf.expires) deaf = null;
    if (!deaf) { if (ears.typed) ears.typed(event); return; }
    deaf.refused++;
    event.stopImmediatePropagation();
    if (event.cancelable) event.preventDefault();
  }
  // Again before each use: `document.open` takes listeners away. Those that are there stay as they are.
  const hearTyped = () => { for (const type of TYPED) listen(top, type, onTyped, LISTEN); };
  const now = performance.now.bind(performance);
  hearTyped();
  function deafen({ forMs }) {
    hearTyped();
    deaf = { refused: 0, expires: now() + forMs };
    return {};
  }
  // The end of it, and how much was refused meanwhile.
  function hear() {
    const refused = deaf ? deaf.refused : 0;
    deaf = null;
    if (ears.released) ears.released();
    return { refused };
  }

  // Resolves in a later task, after the handlers and microtasks of the event being dispatched.
  const nextTask = () => new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { channel.port1.close(); done(); };
    channel.port2.postMessage(0);
  });
  // `pageshow` follows `load` in the same task, when the handlers of that have run: a task of its own would wait for the first paint.
  const shown = () => new Promise((done) => listen(top, 'pageshow', done, { once: true }));
  // Answers at once, or when the document is loaded and the handlers of that have run: then nothing has to be asked after the load.
  async function stats({ after }) {
    if (after === 'load') await (readyState(doc) === 'complete' ? nextTask() : shown());
    return { url: url(doc), title: title(doc), readyState: readyState(doc) };
  }
  const unknown = JSON.stringify({ err: { code: 'internal', message: 'the document has but the start of the bridge', details: {} } });
  function call(name, args) {
    // A popup's first document of its own keeps the window of the blank one before it, and with it this.
    if (document !== doc) {
      start();
      return globalThis.__odb.call(name, args);
    }
    if (name === 'stats') return stats(args || {}).then((ok) => JSON.stringify({ ok }));
    const known = name === 'deafen' ? deafen : name === 'hear' ? hear : null;
    return known ? JSON.stringify({ ok: known(args || {}) }) : unknown;
  }
  globalThis.__odb = Object.freeze({ doc, start, ears, nextTask, stats, deafen, hear, hearTyped, call });
  if (had && had.begin) had.begin();
})();

  // ------------------------------------------------------------------ the guard
  // Armed before a batch of pointer input: what lands on the target passes, the rest never reaches the page.
  // Only while a tap is awaited: a touch listener on window makes the browser lay out its touch regions anew.
  const TOUCH = ['touchstart', 'touchend'];
  const MOVES = ['pointermove', 'mousemove'];
  const CLICKS = new Set(['click', 'auxclick']);
  const LISTEN = { capture: true, passive: false };
  const ONCE = { once: true };
  const ALL_CHANGES = { childList: true, attributes: true, characterData: true, subtree: true };
  const observer = new MutationObserver(onChanged);
  let armed = null;
  let concluded = null;
  let tokens = 0;

  ears.guarded = onGuarded;
  let submissions = 0;
  ears.submitted = () => { submissions++; if (armed) armed.submitted = true; };

  // A runtime that went away must not leave the page guarded, nor watched.
  function inTime(guard) {
    if (performance.now() <= guard.expires) return true;
    release(guard);
    return false;
  }
  function onChanged(records) {
    if (armed && inTime(armed)) armed.changed += records.length;
  }
  function onGuarded(event) {
    const guard = armed;
    if (!guard || !event.isTrusted || !inTime(guard)) return;
    if (guard.events.length < 64) guard.events.push(event.type);
    guard.last = event;
    const moving = MOVES.includes(event.type);
    if (moving ? guard.hover : event.type === 'pointerdown' || guard.passing === undefined) judge(guard, event);
    if (guard.passing === false && !moving) swallow(event);
    progress(guard, event);
  }
  // The innermost element of the event's path, which is its target where that hosts no tree.
  function pointed(event) {
    const target = event.target;
    if (isElement(target) && !shadowOf(target)) return target;
    const first = event.composedPath()[0];
    return isElement(first) ? first : null;
  }
  // Each press decides for what follows it: the rest goes where the browser sends it, even if a handler re-renders the target.
  function judge(guard, event) {
    let hit = pointed(event);
    // The path ends at the host of a closed root: what is under the pointer tells where inside it the event is.
    if (hit && anyGiven && givenRoots.has(hit)) hit = deepFromPoint(event.clientX, event.clientY) || hit;
    guard.passing = guard.force || (hit !== null && accepts(guard.target, hit));
    if (!guard.passing && !guard.missed) guard.missed = { hit };
    guard.judged = true;
  }
  function swallow(event) {
    event.stopImmediatePropagation();
    // Cancelling pointerdown would suppress mousedown, whose default action (focus, drop-downs) is what has to be stopped.
    if (!event.type.startsWith('pointer') && event.cancelable) event.preventDefault();
  }
  function progress(guard, event) {
    if (event.type === 'mousedown') guard.pressed = pointed(event);
    if (event.type === 'mouseup' || event.type === 'touchend') guard.releases++;
    if (CLICKS.has(event.type)) {
      guard.delivered++;
      if (guard.passing) {
        if (arrived(guard, event)) guard.clicks++;
        guard.clickEvent = event;
        if (guard.tells) tellAtTheEnd(guard, event);
      }
    }
    guard.wake?.();
  }
  // Where the page took away what was pressed before the release, the click goes to what held both, and does nothing there.
  function arrived(guard, event) {
    const hit = pointed(event);
    return guard.force || (hit !== null && (hit === guard.pressed || accepts(guard.target, hit)));
  }
  // Nothing of the page's is called after `behindAll`: a listener of the document, added while the event is captured, adds the last
  // one of the last stop. Where the page stops the event before, nobody is told, and a verdict tells.
  function tellAtTheEnd(guard, event) {
    let hit = pointed(event);
    // The path does not tell what is inside a closed root.
    if (hit && shadowOf(hit)) hit = deepFromPoint(event.clientX, event.clientY);
    if (!hit || !endsWithHandlers(hit)) return;
    behindAll(event.type, () => tell(guard));
  }
  const behindAll = (type, listener) => addListener(doc, type, () => addListener(globalThis.window || globalThis, type, listener, ONCE), ONCE);
  const tells = () => typeof globalThis.__odbTell === 'function';
  function tell(guard) {
    // What comes in a task of its own is waited for by a verdict: a form's submission, the end of the window.
    if (guard.done || guard.missed || guard.submitted || globalThis.closed || inShadowForm(guard.target)) return;
    globalThis.__odbTell(ok(conclude(guard, null)));
  }
  function conclude(guard, ctx) {
    release(guard);
    freshCache();
    concluded = { token: guard.token, result: verdictResult(guard, ctx) };
    return concluded.result;
  }
  // What the browser does after the handlers of a click on one of these: follows, submits, opens, switches.
  const ACTING = set('a area audio details embed iframe input label object option select summary textarea video');
  const COMMANDING = ['popovertarget', 'commandfor', 'command'];
  function endsWithHandlers(hit) {
    for (let n = hit; n; n = flatParent(n)) {
      const tag = localName(n);
      if (ACTING.has(tag) || mayHost(n, tag)) return false;
      // A button that does nothing of its own leaves the click to a link around it in some browsers.
      if (tag === 'button' && (n.form || COMMANDING.some((name) => attr(n, name) !== null))) return false;
    }
    return true;
  }
  function arm(args) {
    const ready = prepare(args);
    return ready instanceof Promise ? ready.then((r) => install(r, args)) : install(ready, args);
  }
  function install(ready, args) {
    release(armed);
    const target = byRef(ready.ref);
    const hover = args.action === 'hover';
    const guard = { token: `g${++tokens}`, target, hover, force: !!args.force, passing: undefined, judged: false, missed: null,
      events: [], pressed: null, clicks: 0, delivered: 0, releases: 0, clickEvent: null, last: null, wake: null, changed: 0, submitted: false,
      before: observedState(target), url: D.url(doc), expires: performance.now() + (args.armMs > 0 ? args.armMs : 30000),
      extra: hover ? MOVES : args.action === 'tap' ? TOUCH : [] };
    observer.observe(doc, ALL_CHANGES);
    const root = getRootNode(target);
    if (root !== doc && nodeType(root) === 11) observer.observe(root, ALL_CHANGES);
    for (const type of guard.extra) addListener(globalThis.window || globalThis, type, onGuarded, LISTEN);
    guard.tells = !!args.single && tells() && endsWithHandlers(target);
    armed = guard;
    return { ...ready, token: guard.token, tells: guard.tells };
  }
  function release(guard) {
    if (!guard || guard.done) return;
    guard.done = true;
    guard.changed += observer.takeRecords().length;
    observer.disconnect();
    for (const type of guard.extra) removeListener(globalThis.window || globalThis, type, onGuarded, LISTEN);
    if (armed === guard) armed = null;
    guard.wake?.();
  }
  function observedState(el) {
    const tag = localName(el);
    const value = tag === 'select' ? Array.from(el.selectedOptions, (o) => o.index).join() : tag === 'input' || tag === 'textarea' ? el.value : null;
    return { value, checked: checkedState(el), active: activeElement() };
  }
  function guardFor(token) {
    // Where a call is not bound to its document, this is the one that came after it.
    if (!armed || armed.token !== token) throw new Fail('gone', `no guard is armed under ${token}: the document was replaced, or its time was over`);
    return armed;
  }
  const MISS_GRACE_MS = 200;
  const RELEASE_GRACE_MS = 60;
  async function verdict(args) {
    const ctx = session(args);
    // It was told, and the browser has confirmed the input before that was heard.
    if (concluded?.token === args.token) return withNext(ctx, concluded.result);
    const guard = guardFor(args.token);
    const deadline = performance.now() + (args.timeoutMs >= 0 ? args.timeoutMs : 1000);
    const expect = args.expect ?? 1;
    if (!delivered(guard, expect)) await untilDelivered(guard, expect, deadline);
    // The browser has confirmed the input by now, so every handler has run. A form is submitted in a task of its own, which the
    // receipt has to see. Only then is a task waited for: Chromium holds back those that follow a click until the next frame.
    if (guard.submitted || inShadowForm(guard.target)) await queuedTasks();
    if (args.settle) await untilQuiet(guard, Math.min(deadline, performance.now() + 150));
    return withNext(ctx, conclude(guard, ctx));
  }
  // The event that tells of a submission does not leave a shadow tree.
  function inShadowForm(target) {
    for (let n = target; n; n = flatParent(n)) if (localName(n) === 'form' && getRootNode(n) !== doc) return true;
    return false;
  }
  // Until the last expected event was seen. After a miss, or a release that yields no click, a short grace lets the
  // rest of the batch arrive, so that none of it reaches the page after the guard is gone.
  async function untilDelivered(guard, expect, deadline) {
    let graceEnds = Infinity;
    while (!guard.done && !delivered(guard, expect)) {
      const now = performance.now();
      if (graceEnds === Infinity && guard.missed) graceEnds = now + MISS_GRACE_MS;
      if (expect > 0 && guard.releases >= expect && graceEnds > now + RELEASE_GRACE_MS) graceEnds = now + RELEASE_GRACE_MS;
      const left = Math.min(deadline, graceEnds) - now;
      if (left <= 0) return;
      await new Promise((done) => {
        const timer = setTimeout(done, left);
        guard.wake = () => { clearTimeout(timer); done(); };
      });
      guard.wake = null;
    }
  }
  function delivered(guard, expect) {
    if (expect === 0) return guard.hover ? guard.judged : guard.last !== null;
    return guard.delivered >= expect;
  }
  async function untilQuiet(guard, deadline) {
    let seen = -1;
    while (!guard.done && guard.changed !== seen && performance.now() < deadline) {
      seen = guard.changed;
      await sleep(20);
    }
  }
  function verdictResult(guard, ctx) {
    const gone = !isConnected(guard.target);
    const now = gone ? guard.before : observedState(guard.target);
    const hit = guard.missed?.hit;
    const missed = guard.missed ? { desc: hit ? covering(hit, ctx) : null, ref: hit ? refFor(hit, ctx) : null } : null;
    return { hit: guard.judged && !missed, missed, events: guard.events, clicks: guard.clicks, changed: guard.changed > 0,
      valueChanged: now.value !== guard.before.value || now.checked !== guard.before.checked, checked: now.checked,
      focusChanged: activeElement() !== guard.before.active, prevented: !!guard.clickEvent?.defaultPrevented,
      detached: gone, urlBefore: guard.url, urlAfter: D.url(doc) };
  }
  function disarm(args) {
    if (armed && (!args.token || armed.token === args.token)) release(armed);
    return {};
  }

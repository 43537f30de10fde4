  // ------------------------------------------------------------------ waiting
  const STATES = {
    attached: (el) => !!el, visible: (el) => !!el && isVisible(el), hidden: (el) => !el || !isVisible(el), detached: (el) => !el,
    enabled: (el) => !!el && !isDisabled(el), disabled: (el) => !!el && isDisabled(el), editable: (el) => !!el && isWritable(el),
    checked: (el) => !!el && checkedState(el) === true, unchecked: (el) => !!el && checkedState(el) === false, focused: (el) => !!el && activeElement() === el,
  };
  const POLL_MS = 50;
  const MIN_GAP_MS = 10;
  async function waitFor(args) {
    const ctx = session(args);
    if (args.state && !Object.hasOwn(STATES, args.state)) throw new Fail('invalid_value', `unknown state ${args.state}`, { states: Object.keys(STATES) });
    const started = performance.now();
    const deadline = started + (args.timeoutMs >= 0 ? args.timeoutMs : 30000);
    const changes = changeSignal();
    try {
      for (;;) {
        const seen = lookFor(args, ctx);
        if (seen.met) return withNext(ctx, { ok: true, ref: seen.el ? refFor(seen.el, ctx) : null, waitedMs: Math.round(performance.now() - started) });
        const left = deadline - performance.now();
        if (left <= 0) timedOut(args, seen, ctx, performance.now() - started);
        await changes.next(Math.min(POLL_MS, left));
        freshCache();
      }
    } finally {
      changes.stop();
    }
  }
  function timedOut(args, seen, ctx, waited) {
    throw new Fail('timeout', `waited ${Math.round(waited)} ms for ${waitText(args)}`, { lastSeen: lastSeen(seen, ctx), next: ctx.next });
  }
  // Mutations wake the wait early; style changes and shadow trees are found by polling.
  function changeSignal() {
    let wake = null;
    let dirty = false;
    const observer = new MutationObserver(() => { dirty = true; wake?.(); });
    observer.observe(doc, { childList: true, attributes: true, characterData: true, subtree: true });
    const next = async (ms) => {
      await sleep(Math.min(MIN_GAP_MS, ms));
      if (!dirty && ms > MIN_GAP_MS) {
        await new Promise((done) => {
          const timer = setTimeout(done, ms - MIN_GAP_MS);
          wake = () => { clearTimeout(timer); done(); };
        });
        wake = null;
      }
      dirty = false;
    };
    return { next, stop: () => observer.disconnect() };
  }
  function lookFor(args, ctx) {
    if (args.url && !urlMatches(args.url, D.url(doc))) return { met: false, el: null, count: 0 };
    if (!args.locator && !args.text) return { met: true, el: null, count: 0 };
    const state = args.state || 'visible';
    const negative = state === 'hidden' || state === 'detached';
    const text = args.text && !args.locator;
    const locator = text ? { text: args.text } : args.locator;
    let found;
    try { found = resolveAll(locator); } catch (e) {
      if (!(negative && e instanceof Fail && e.code === 'stale_ref')) throw e;
      found = [];
    }
    if (args.text && args.locator) { const match = matcher(args.text, false); found = found.filter((el) => match(deepText(el, new Map()))); }
    if (negative) return { met: found.every((el) => STATES[state](el)), el: null, count: found.length, shown: found[0] };
    if (found.length > 1 && !text) resolveOne(locator, ctx);
    const el = found.find((candidate) => STATES[state](candidate)) || null;
    return { met: el !== null, el, count: found.length, shown: found[0] };
  }
  function lastSeen(seen, ctx) {
    const out = { count: seen.count, url: D.url(doc) };
    if (seen.shown && isConnected(seen.shown)) { out.state = stateOf(seen.shown); out.element = describe(seen.shown, ctx); }
    return out;
  }
  const waitText = (args) => [args.locator && locatorText(args.locator), args.text && `text ${quote(String(args.text))}`, args.url && `url ${cut(args.url)}`,
    args.state].filter(Boolean).join(', ');
  // `*` stands for anything but a slash, `**` for anything; without a star the pattern is a part of the URL.
  function urlMatches(pattern, url) {
    if (!pattern.includes('*')) return url.includes(pattern);
    const parts = pattern.split(/(\*+)/).map((p) => (p === '*' ? '[^/]*' : p.startsWith('**') ? '.*' : p.replace(/[\\^$+?.()|[\]{}]/g, '\\$&')));
    return new RegExp(`^${parts.join('')}$`).test(url);
  }

  // ------------------------------------------------------------------ watching
  // Writes down what arrives in the document while pointer input is sent, for receipts. Nothing is held back.
  const WATCHED = ['pointerdown', 'mousedown', 'pointermove', 'mousemove', 'pointerup', 'mouseup', 'pointercancel', 'wheel', 'click', 'auxclick',
    'contextmenu', 'dragstart', 'dragenter', 'dragover', 'dragleave', 'drop', 'dragend'];
  const QUIETLY = { capture: true, passive: true };
  let watching = null;

  function watch(args) {
    stopWatching(watching);
    const watched = { seen: new Map(), changed: 0, active: activeElement() };
    watched.listener = (event) => {
      if (!event.isTrusted) return;
      const path = event.composedPath();
      const entry = watched.seen.get(event.type) || { count: 0 };
      entry.count++;
      entry.event = event;
      entry.hit = isElement(path[0]) ? path[0] : null;
      watched.seen.set(event.type, entry);
    };
    watched.observer = new MutationObserver((records) => { watched.changed += records.length; });
    watched.observer.observe(doc, { childList: true, attributes: true, characterData: true, subtree: true });
    for (const type of WATCHED) addListener(globalThis.window || globalThis, type, watched.listener, QUIETLY);
    // A runtime that went away must not leave the page watched.
    watched.expiry = setTimeout(() => stopWatching(watched), args.watchMs > 0 ? args.watchMs : 30000);
    watching = watched;
    return {};
  }
  function stopWatching(watched) {
    if (!watched || watched.done) return;
    watched.done = true;
    clearTimeout(watched.expiry);
    watched.changed += watched.observer.takeRecords().length;
    watched.observer.disconnect();
    for (const type of WATCHED) removeListener(globalThis.window || globalThis, type, watched.listener, QUIETLY);
    if (watching === watched) watching = null;
  }
  // What was seen since `watch`, which goes on after a peek: each kind of event with its last target, and whether that was `target` or something in it.
  async function watched(args) {
    const ctx = session(args);
    const seen = watching;
    if (!seen) throw new Fail('gone', 'nothing is being watched: the document was replaced');
    await nextTask();
    if (!args.peek) stopWatching(seen);
    freshCache();
    const target = args.target ? elementByRef.get(args.target)?.deref() : null;
    const events = [];
    for (const [type, entry] of seen.seen) {
      const hit = entry.hit && isConnected(entry.hit) ? entry.hit : null;
      events.push({ type, count: entry.count, element: hit ? { ...describe(hit, ctx), ref: refFor(hit, ctx) } : null,
        onTarget: !!target && !!entry.hit && accepts(target, entry.hit), prevented: entry.event.defaultPrevented });
    }
    return withNext(ctx, { events, changed: seen.changed > 0 || activeElement() !== seen.active });
  }
  // The element that a pointer at this point of the viewport is over.
  function under(args) {
    const ctx = session(args);
    const hit = insideView(args, viewport()) ? deepFromPoint(args.x, args.y) : null;
    return withNext(ctx, { element: hit ? { ...describe(hit, ctx), ref: refFor(hit, ctx) } : null });
  }


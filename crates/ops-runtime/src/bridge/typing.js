  // ------------------------------------------------------------------ what is typed
  // Armed before keys or text are sent to an element: what would go to another one reaches nobody, nor does anything after it. Keys
  // that go to another frame are that frame's to refuse (`deafen`).
  let typing = null;
  ears.typed = onTyped;
  ears.released = () => { typing = null; };

  function expectTyping(el, args) {
    hearTyped();
    release(armed);
    entering?.();
    typing = { token: `t${++tokens}`, el, down: new Set(), keys: 0, lost: null, armMs: args.armMs > 0 ? args.armMs : 10000, expires: 0 };
    typing.expires = performance.now() + typing.armMs;
    return typing.token;
  }
  function holdsFocus(el) {
    if (!isConnected(el)) return false;
    const now = activeElement();
    return !!now && (now === el || (flatContains(now, el) && isEditable(el)) || flatContains(el, now));
  }
  function onTyped(event) {
    const guard = typing;
    if (!guard) return;
    // A runtime that went away must not leave the page guarded.
    if (performance.now() > guard.expires) { typing = null; return; }
    guard.expires = performance.now() + guard.armMs;
    const pressed = event.type === 'keydown';
    // A handler of the press may have moved the focus: the release still belongs to it.
    if (event.type === 'keyup' && guard.down.delete(event.code)) return;
    if (!guard.lost && holdsFocus(guard.el)) {
      if (pressed) { guard.keys++; guard.down.add(event.code); }
      return;
    }
    lose(guard);
    event.stopImmediatePropagation();
    if (event.cancelable) event.preventDefault();
  }
  function lose(guard) {
    if (!guard.lost) guard.lost = { to: activeElement() };
  }
  // For adapters that enter a text by a script: whether the focus is where the text belongs. Without a guard it is.
  function enters() {
    if (!typing) return true;
    if (!typing.lost && holdsFocus(typing.el)) return true;
    lose(typing);
    return false;
  }
  // What became of the keys, of which `keys` were pressed; the guard is released.
  function typed(args) {
    const ctx = session(args);
    const guard = typing;
    if (!guard || guard.token !== args.token) throw new Fail('gone', 'what is typed is not being watched: the document was replaced');
    typing = null;
    const el = guard.el;
    const to = guard.lost?.to;
    const whole = !guard.lost && (args.keys > 0 ? guard.keys >= args.keys : holdsFocus(el));
    const value = isConnected(el) && takesText(el) ? readableValue(el) : undefined;
    return withNext(ctx, { whole, keys: guard.keys, to: to && isElement(to) ? { ...describe(to, ctx), ref: refFor(to, ctx) } : null, value });
  }
  // The same for a text that was entered, as part of reading it back.
  function lostTyping(token, last) {
    const guard = typing;
    if (!guard || guard.token !== token) return undefined;
    if (last) typing = null;
    return guard.lost !== null;
  }

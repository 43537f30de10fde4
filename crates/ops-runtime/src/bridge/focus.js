  // ------------------------------------------------------------------ focus and scrolling
  function focus(args) {
    const ctx = session(args);
    const action = args.action || 'focus';
    const el = actionTarget(args, ctx, action);
    assertUsable(el, action, ctx, args.force);
    const before = activeElement();
    focusOn(isEditable(el) && !takesFocusItself(el) ? editingHost(el) : el, {});
    placeCaret(el, args.caret);
    const now = activeElement();
    const focused = !!now && (now === el || flatContains(now, el) && isEditable(el) || flatContains(el, now));
    const value = action === 'type' && takesText(el) ? readableValue(el) : undefined;
    const token = args.guard && focused ? expectTyping(el, args) : undefined;
    return withNext(ctx, { token, ref: refFor(el, ctx), desc: named(el), focused, moved: now !== before, value, info: elementInfo(el) });
  }
  const takesFocusItself = (el) => /^(input|textarea|select|button)$/.test(localName(el)) || hasAttr(el, 'tabindex') || isEditingHost(el);
  function placeCaret(el, caret) {
    if (!caret || !takesText(el)) return;
    if (caret === 'all') { selectContents(el); return; }
    if (/^(input|textarea)$/.test(localName(el))) {
      const at = caret === 'end' ? el.value.length : 0;
      // Number, e-mail and picker fields have no caret to place.
      try { el.setSelectionRange(at, at); } catch { /* the browser's own caret stays */ }
      return;
    }
    selectContents(el);
    const selection = D.getSelection(doc);
    if (selection?.rangeCount) caret === 'end' ? selection.collapseToEnd() : selection.collapseToStart();
  }
  function blur(args) {
    const ctx = session(args);
    const el = args.locator ? resolveOne(args.locator, ctx) : activeElement();
    const was = activeElement() === el;
    if (el && isHtml(el)) blurHtml(el);
    return withNext(ctx, { ref: el ? refFor(el, ctx) : null, blurred: was && activeElement() !== el });
  }
  function scrollToElement(args) {
    const ctx = session(args);
    const el = resolveOne(args.locator, ctx);
    assertUsable(el, 'scroll', ctx, false);
    const before = boxOf(el);
    const view = viewport();
    const whole = before.top >= 0 && before.left >= 0 && before.bottom <= view.h && before.right <= view.w && hasArea(before);
    if (!whole || args.always || !probe(el, el, null, false).point) scrollTo(el, args.block || 'center');
    const after = boxOf(el);
    return withNext(ctx, { ref: refFor(el, ctx), scrolled: !sameBox(before, after), box: rectJson(after), visible: isVisible(el) });
  }
  function scrollBy(args) {
    const ctx = session(args);
    const el = args.locator ? scroller(resolveOne(args.locator, ctx), args.dx || 0, args.dy || 0) : D.scrollingElement(doc) || D.root(doc);
    if (!el) throw new Fail('not_found', 'the document has no element');
    const at = () => ({ x: round(scrollLeft(el)), y: round(scrollTop(el)) });
    const before = at();
    scrollElementBy(el, { left: args.dx || 0, top: args.dy || 0, behavior: 'instant' });
    const after = at();
    return withNext(ctx, { before, after, moved: before.x !== after.x || before.y !== after.y });
  }
  // The element itself or the nearest ancestor that scrolls in the wanted direction.
  function scroller(el, dx, dy) {
    for (let n = el; n; n = flatParent(n)) {
      const style = styleOf(n);
      const can = (overflow, size, room) => /auto|scroll/.test(overflow) && size > room;
      if ((dy && can(style.overflowY, scrollHeight(n), clientHeight(n))) || (dx && can(style.overflowX, scrollWidth(n), clientWidth(n)))) return n;
    }
    return D.scrollingElement(doc) || D.root(doc);
  }

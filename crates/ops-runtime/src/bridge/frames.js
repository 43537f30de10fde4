  // ------------------------------------------------------------------ frames, boxes, the rest
  function point(args) {
    const ctx = session(args);
    const el = byRef(args.ref);
    if (!isFrameElement(el)) throw new Fail('wrong_element_type', `a ${localName(el)} element holds no document`, { ref: args.ref });
    let at = frameToView(el, args.x, args.y);
    let hit = hitOfFrame(el, at);
    if (args.scroll && !hit.ok) {
      scrollTo(el, 'nearest');
      at = frameToView(el, args.x, args.y);
      const view = viewport();
      const root = D.scrollingElement(doc) || D.root(doc);
      if (!insideView(at, view)) scrollElementBy(root, { left: at.x - view.w / 2, top: at.y - view.h / 2, behavior: 'instant' });
      at = frameToView(el, args.x, args.y);
      hit = hitOfFrame(el, at);
    }
    const out = { x: at.x, y: at.y, visible: insideView(at, viewport()) && isVisible(el), hitOk: hit.ok };
    if (!hit.ok && hit.by) out.covered = covering(hit.by, ctx);
    return withNext(ctx, out);
  }
  function frameToView(el, x, y) {
    const box = boxOf(el);
    const style = styleOf(el);
    const scaleX = el.offsetWidth ? box.width / el.offsetWidth : 1;
    const scaleY = el.offsetHeight ? box.height / el.offsetHeight : 1;
    return { x: box.left + (clientLeft(el) + parseFloat(style.paddingLeft || 0) + x) * scaleX,
      y: box.top + (clientTop(el) + parseFloat(style.paddingTop || 0) + y) * scaleY };
  }
  function hitOfFrame(el, at) {
    if (!insideView(at, viewport())) return { ok: false, by: null };
    const hit = deepFromPoint(at.x, at.y);
    return { ok: hit === el, by: hit };
  }
  function adopt(args, element) {
    const ctx = session(args);
    if (!isElement(element) || ownerDocument(element) !== doc || !isConnected(element)) throw new Fail('stale_ref', 'this is no element of this document');
    const ref = refFor(element, ctx);
    return withNext(ctx, { ref });
  }
  function describeOne(args, element) {
    const ctx = session(args);
    const el = isElement(element) ? element : args.locator ? resolveOne(args.locator, ctx) : byRef(args.ref);
    return withNext(ctx, describe(el, ctx));
  }
  function boxes(args) {
    if (!Array.isArray(args.refs)) throw new Fail('invalid_value', 'refs is a list of numbers');
    const out = [];
    for (const ref of args.refs) {
      const el = elementByRef.get(ref)?.deref();
      if (el && isConnected(el)) out.push({ ref, ...rectJson(boxOf(el)), visible: isVisible(el) });
    }
    return out;
  }
  // Answers once the tasks that are queued now have run: a form that a key submits navigates in a task of its own.
  async function settle() {
    await queuedTasks();
    return { url: D.url(doc), readyState: D.readyState(doc) };
  }
  function box(args) {
    const ctx = session(args);
    const el = args.locator ? resolveOne(args.locator, ctx) : byRef(args.ref);
    return withNext(ctx, { ref: refFor(el, ctx), ...rectJson(boxOf(el)), visible: isVisible(el) });
  }

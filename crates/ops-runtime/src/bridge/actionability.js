  // ------------------------------------------------------------------ actionability
  const POINTER_ACTIONS = set('click hover check drag tap');
  const WRITING = set('fill type select');
  const ABOUT_CONTROL = set('fill type select check upload');

  // The element an action is about: a label stands for its control.
  function actionTarget(args, ctx, action) {
    const el = resolveOne(args.locator, ctx);
    if (!ABOUT_CONTROL.has(action)) return el;
    const label = localName(el) === 'label' ? el : closest(el, 'label');
    if (label && label.control && (label === el || !isControl(el))) return label.control;
    return el;
  }
  const isControl = (el) => /^(input|textarea|select|button)$/.test(localName(el)) || isEditable(el) || checkedState(el) !== null;
  // What takes a pointer on behalf of the element: custom check boxes hide the input and style its label, areas lie on a picture.
  function pointerTarget(el) {
    if (isArea(el)) return areaImage(el) || el;
    if (isVisible(el) || localName(el) !== 'input' || !/^(checkbox|radio|file)$/.test(el.type)) return el;
    return labelsOf(el).find(isVisible) || el;
  }
  function refuse(code, message, el, ctx, details) {
    throw new Fail(code, message, { ...details, element: describe(el, ctx), next: ctx.next });
  }
  function assertUsable(el, action, ctx, force) {
    const fail = (code, message) => refuse(code, message, el, ctx);
    if (!isConnected(el)) fail('stale_ref', 'the element left the document');
    if (action === 'upload') {
      if (localName(el) !== 'input' || el.type !== 'file') fail('wrong_element_type', 'files can be given to input[type=file] only');
      return;
    }
    if (force) return;
    if (action !== 'scroll' && action !== 'focus' && !isVisible(pointerTarget(el))) fail('not_visible', 'the element is not visible');
    if (action === 'scroll' || action === 'focus' || action === 'hover') return;
    if (isDisabled(action === 'click' ? clickOwner(el) : el)) fail('not_enabled', 'the element is disabled');
    if (action === 'check' && checkedState(el) === null) fail('wrong_element_type', `a ${roleOf(el)} cannot be checked`);
    if (action === 'select' && localName(el) !== 'select') {
      refuse('wrong_element_type', `a ${localName(el)} element has no options to select`, el, ctx, { listbox: isListControl(el) });
    }
    if (action === 'fill' || action === 'type') {
      if (!takesText(el)) fail('wrong_element_type', `a ${localName(el)} element takes no text`);
      if (isReadonly(el)) fail('not_editable', 'the element is read-only');
    }
  }
  // A click on a part of a button is a click on the button.
  const clickOwner = (el) => closest(el, 'button,[role=button],a,[role=link]') || el;

  function deepFromPoint(x, y) {
    let hit = D.elementFromPoint(doc, x, y);
    while (hit) {
      const root = shadowOf(hit);
      const inner = root && root.elementFromPoint ? root.elementFromPoint(x, y) : null;
      if (!inner || inner === hit || getRootNode(inner) !== root) break;
      hit = inner;
    }
    return hit;
  }
  // Does an event on `hit` reach `target`: itself, something inside it, or the label that acts for it.
  function accepts(target, hit) {
    for (let n = hit; n; n = flatParent(n)) {
      if (n === target) return true;
      if (localName(n) === 'label' && isHtml(n) && n.control === target) return true;
    }
    return localName(target) === 'label' && isHtml(target) && !!target.control && flatContains(target.control, hit);
  }
  const insideView = (p, view) => p.x >= 0 && p.y >= 0 && p.x < view.w && p.y < view.h;
  function clipped(rect, view) {
    const left = Math.max(rect.left, 0), top = Math.max(rect.top, 0);
    const right = Math.min(rect.right, view.w), bottom = Math.min(rect.bottom, view.h);
    return right > left && bottom > top ? { left, top, right, bottom, area: (right - left) * (bottom - top) } : null;
  }
  const center = (r) => ({ x: (r.left + r.right) / 2, y: (r.top + r.bottom) / 2 });
  // Points to try, best first: centres of the visible rectangles, largest first, then a grid over the largest.
  function candidatePoints(el, position, grid) {
    const view = viewport();
    if (position) {
      const box = boxOf(el);
      return [position].flat().map((p) => ({ x: box.left + p.x, y: box.top + p.y })).filter((p) => insideView(p, view));
    }
    const rects = paintedRects(el).map((r) => clipped(r, view)).filter(Boolean).sort((a, b) => b.area - a.area).slice(0, 6);
    const points = rects.map(center);
    if (grid && rects.length) {
      const r = rects[0];
      for (const fy of [0.5, 0.2, 0.8]) for (const fx of [0.5, 0.15, 0.85]) {
        points.push({ x: r.left + (r.right - r.left) * fx, y: r.top + (r.bottom - r.top) * fy });
      }
    }
    return points;
  }
  function probe(el, target, position, grid) {
    let blocker = null;
    let tried = 0;
    for (const p of candidatePoints(el, position, grid)) {
      tried++;
      const hit = deepFromPoint(p.x, p.y);
      // Firefox tells the picture where the pointer reaches an area of it.
      if (hit && (accepts(target, hit) || (hit === el && isArea(target)))) return { point: p };
      blocker = blocker || hit;
    }
    return { point: null, blocker, tried };
  }
  const scrollTo = (el, block) => scrollIntoView(el, { block, inline: block === 'nearest' ? 'nearest' : 'center', behavior: 'instant' });
  // Why no pointer ever reaches the element, whatever lies over it.
  function deafness(el) {
    if (closest(el, '[inert]')) return 'the element takes no pointer: it is inert';
    return styleOf(el).pointerEvents === 'none' ? 'the element takes no pointer: its style says pointer-events: none' : null;
  }
  // A point where the pointer reaches the element; scrolls only when there is none without scrolling.
  function hitPoint(via, target, position, ctx, force) {
    let result = probe(via, target, position, false);
    if (result.point) return { ...result.point, scrolled: false };
    let first = result;
    for (const block of ['center', 'end', 'start', 'nearest']) {
      scrollTo(via, block);
      result = probe(via, target, position, false);
      if (!result.point && block === 'center') { first = result; result = probe(via, target, position, true); }
      if (result.point) return { ...result.point, scrolled: true };
    }
    scrollTo(via, 'center');
    const points = candidatePoints(via, position, false);
    if (!points.length) refuse('outside_viewport', 'the element cannot be scrolled into the viewport', target, ctx);
    if (force) return { ...points[0], scrolled: true };
    const by = covering(first.blocker, ctx);
    const over = `the element is covered by ${by ? `${by.role} <${by.tag}>` : 'something outside the document'}`;
    throw new Fail('covered', deafness(via) || over,
      { by, element: describe(target, ctx), next: ctx.next });
  }
  function keepInView(el) {
    if (probe(el, el, null, false).point) return false;
    scrollTo(el, 'center');
    return true;
  }

  const STILL = set('offset easing composite computedOffset opacity color backgroundColor borderColor boxShadow filter outlineColor textShadow fill stroke ' +
    'backgroundPosition backgroundPositionX backgroundPositionY visibility borderTopColor borderBottomColor borderLeftColor borderRightColor');
  function isAnimating(el) {
    let root = null;
    for (let n = el; n; n = flatParent(n)) {
      const here = getRootNode(n);
      if (here === root) continue;
      root = here;
      const list = root === doc ? D.getAnimations(doc) : root.getAnimations ? root.getAnimations() : [];
      if (list.length && list.some((a) => a.playState === 'running' && a.effect?.target && flatContains(a.effect.target, el) && moves(a))) return true;
    }
    return false;
  }
  function moves(animation) {
    const frames = animation.effect.getKeyframes ? animation.effect.getKeyframes() : [];
    return frames.some((f) => Object.keys(f).some((k) => !STILL.has(k)));
  }
  const sameBox = (a, b) => a.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
  async function waitStable(el, timeoutMs, ctx) {
    const deadline = performance.now() + (timeoutMs > 0 ? timeoutMs : 1000);
    let last = boxOf(el);
    let equal = 0;
    while (equal < 2) {
      await nextFrame();
      if (!isConnected(el)) throw new Fail('stale_ref', 'the element left the document', {});
      const now = boxOf(el);
      equal = sameBox(now, last) ? equal + 1 : 0;
      last = now;
      if (equal < 2 && performance.now() > deadline) {
        freshCache();
        refuse('unstable', 'the element keeps moving', el, ctx);
      }
    }
    freshCache();
  }

  function prepare(args) {
    const ctx = session(args);
    const action = args.action || 'click';
    const el = actionTarget(args, ctx, action);
    assertUsable(el, action, ctx, args.force);
    if (!args.stable) return prepared(el, action, args, ctx);
    return waitStable(pointerTarget(el), args.timeoutMs, ctx).then(() => {
      assertUsable(el, action, ctx, args.force);
      return prepared(el, action, args, ctx);
    });
  }
  function prepared(el, action, args, ctx) {
    const via = pointerTarget(el);
    const at = placeFor(el, via, action, args, ctx);
    const box = rectJson(boxOf(via));
    const result = { ref: refFor(el, ctx), x: at.x, y: at.y, box, scrolled: at.scrolled, animating: isAnimating(via),
      desc: named(el), info: elementInfo(el) };
    return withNext(ctx, result);
  }
  function placeFor(el, via, action, args, ctx) {
    if (POINTER_ACTIONS.has(action)) return hitPoint(via, el, args.position || (isArea(el) && via !== el ? areaPlaces(el, via) : null), ctx, args.force);
    const scrolled = action === 'upload' ? false : keepInView(el);
    return { ...center(boxOf(el)), scrolled };
  }
  function elementInfo(el) {
    const tag = localName(el);
    return { type: tag === 'input' || tag === 'button' ? el.type : null, checked: checkedState(el), tagName: tag, isContentEditable: isEditable(el),
      multiple: tag === 'select' || tag === 'input' ? !!el.multiple : false, focused: activeElement() === el };
  }

  // ------------------------------------------------------------------ visibility
  const SHOWN = 0;
  const SELF_HIDDEN = 1; // visibility: hidden: descendants may be visible again
  const GONE = 2; // display: none or skipped contents: the whole subtree is out
  // One member on a bare object: the browser looks every option up on each call.
  const VISIBILITY_OPTIONS = Object.assign(Object.create(null), { visibilityProperty: true });
  const styleOf = (el, pseudo) => getComputedStyle(el, pseudo);

  // Valid for an element whose flat parent is not GONE. Styles are computed only for what is not plainly visible.
  function visibilityOf(el) {
    if (checkVisibility(el, VISIBILITY_OPTIONS)) return SHOWN;
    if (isArea(el)) return areaImage(el) ? SHOWN : GONE;
    const style = styleOf(el);
    if (style.display === 'none' || style.display === '') return GONE;
    if (style.visibility !== 'visible') return SELF_HIDDEN;
    return style.display === 'contents' ? SHOWN : GONE;
  }
  function modals() {
    if (cache.modal === undefined) {
      const list = D.queryAll(doc, 'dialog:modal');
      cache.modal = list.length ? Array.from(list) : null;
    }
    return cache.modal;
  }
  // Everything outside an open modal dialog is inert without carrying the attribute.
  function inertByModal(el) {
    const list = modals();
    return !!list && !list.some((m) => flatContains(m, el) || flatContains(el, m));
  }
  // Rendered and visible; an element without a box of its own (display: contents) is as rendered as its parent.
  function isRendered(el) {
    if (visibilityOf(el) !== SHOWN) return false;
    if (checkVisibility(el, VISIBILITY_OPTIONS) || isArea(el)) return true;
    for (let n = flatParent(el); n; n = flatParent(n)) {
      const seen = visibilityOf(n);
      if (seen === GONE) return false;
      if (seen === SHOWN && checkVisibility(n, VISIBILITY_OPTIONS)) return true;
    }
    return true;
  }
  // Browsers ignore aria-hidden on the root elements, or one attribute would make a page unreadable.
  const isRootTag = (el) => el === D.root(doc) || el === D.body(doc);
  const outOfTree = (el) => hasAttr(el, 'inert') || (attr(el, 'aria-hidden') === 'true' && !isRootTag(el));
  function hiddenFromTree(el) {
    // Options of a closed drop-down have no box: they are as visible as their select.
    const shown = /^opt/.test(localName(el)) ? closest(el, 'select') || el : el;
    if (!isRendered(shown) || inertByModal(shown)) return true;
    for (let n = el; n; n = flatParent(n)) if (hasAttrs(n) && outOfTree(n)) return true;
    return false;
  }
  const hasArea = (r) => r.width > 0 && r.height > 0;
  // Visible as an action needs it: rendered, not visibility:hidden, and with an area (its own or a child's).
  function isVisible(el) {
    if (checkVisibility(el, VISIBILITY_OPTIONS)) return hasArea(boxOf(el)) || paintedRects(el).length > 0;
    const style = styleOf(el);
    if (style.display !== 'contents') return false;
    return flatChildren(el).some((n) => (isElement(n) ? isVisible(n) : textRects(n).length > 0));
  }
  function textRects(node) {
    if (nodeType(node) !== 3 || norm(nodeValue(node)) === '') return [];
    const range = D.createRange(doc);
    range.selectNodeContents(node);
    return Array.from(range.getClientRects()).filter(hasArea);
  }
  // Rectangles of the element itself, or of what overflows a box without area.
  function paintedRects(el, depth = 0) {
    const own = Array.from(rectsOf(el)).filter(hasArea);
    if (own.length || depth > 3) return own;
    const out = [];
    for (const n of flatChildren(el)) {
      if (isElement(n)) {
        if (checkVisibility(n, VISIBILITY_OPTIONS) || styleOf(n).display === 'contents') out.push(...paintedRects(n, depth + 1));
      } else if (out.length < 8) out.push(...textRects(n));
    }
    return out;
  }

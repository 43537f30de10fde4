  // ------------------------------------------------------------------ flat tree
  const isSlot = (el) => localName(el) === 'slot' && isHtml(el);
  function flatFirst(el) {
    const root = shadowOf(el);
    return firstChild(root || el);
  }
  // The nodes that are rendered under `el`: its shadow tree, what is assigned to a slot, or its children.
  function flatChildren(el) {
    if (isSlot(el)) {
      const assigned = el.assignedNodes({ flatten: true });
      if (assigned.length) return assigned;
    }
    const out = [];
    for (let n = flatFirst(el); n; n = nextSibling(n)) out.push(n);
    return out;
  }
  function flatParent(node) {
    if (isElement(node)) {
      const slot = assignedSlot(node);
      if (slot) return slot;
    }
    const parent = parentNode(node);
    if (!parent) return null;
    return nodeType(parent) === 11 ? parent.host || null : isElement(parent) ? parent : null;
  }
  function flatContains(ancestor, node) {
    for (let n = node; n; n = flatParent(n)) if (n === ancestor) return true;
    return false;
  }
  // Every element under `start` in composed order: an element, its shadow tree, its light children.
  function deepElements(start) {
    const out = [];
    collectDeep(start, out);
    return out;
  }
  function collectDeep(start, out) {
    if (start !== doc && isElement(start)) {
      const own = shadowOf(start);
      if (own) collectDeep(own, out);
    }
    const list = start === doc ? D.all(doc) : isElement(start) ? queryAll(start, '*') : start.querySelectorAll('*');
    for (let i = 0; i < list.length; i++) {
      out.push(list[i]);
      const root = shadowOf(list[i]);
      if (root) collectDeep(root, out);
    }
  }
  function rootsUnder(start) {
    const roots = [start];
    for (let i = 0; i < roots.length; i++) {
      const at = roots[i];
      if (at !== doc && isElement(at) && shadowOf(at)) roots.push(shadowOf(at));
      const list = at === doc ? D.all(doc) : isElement(at) ? queryAll(at, '*') : at.querySelectorAll('*');
      for (let k = 0; k < list.length; k++) {
        const root = shadowOf(list[k]);
        if (root) roots.push(root);
      }
    }
    return roots;
  }
  function byId(el, id) {
    const root = getRootNode(el);
    if (root === doc) return D.getElementById(doc, id);
    return typeof root.getElementById === 'function' ? root.getElementById(id) : null;
  }
  // Closed roots are invisible here: elements that may hold one are noted as they are met, and asked about once. What a tag
  // turned out not to have is not asked again of its other elements.
  const HOST_TAGS = set('article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span');
  const MAX_HOSTS = 400;
  const wanted = new Set();
  const askedHosts = new WeakSet();
  const plainKinds = new Set();
  const hostKind = (el, tag) => (tag.includes('-') ? tag : `${tag}.${attr(el, 'class') || ''}`);
  // For an element that is shown and has no root that can be seen.
  function noteHost(el, tag) {
    if (askedHosts.has(el) || wanted.size >= MAX_HOSTS || !isHtml(el)) return;
    if (!tag.includes('-')) {
      if (!HOST_TAGS.has(tag) || firstElementChild(el)) return;
      const box = boxOf(el);
      if (box.width < 8 || box.height < 8 || (textContent(el) || '').trim()) return;
    }
    if (!plainKinds.has(hostKind(el, tag))) wanted.add(el);
  }
  const mayHost = (el, tag) => !closedRoot && (tag.includes('-') || firstChild(el) === null) && !shadowOf(el);
  function noteHosts() {
    for (const el of deepElements(doc)) {
      const tag = localName(el);
      if (mayHost(el, tag)) noteHost(el, tag);
    }
    return wanted.size;
  }
  function hosts() {
    const list = Array.from(wanted);
    wanted.clear();
    for (const el of list) {
      askedHosts.add(el);
      if (matches(el, ':defined')) plainKinds.add(hostKind(el, localName(el)));
    }
    return list;
  }
  function reveal(roots) {
    for (const root of roots) {
      givenRoots.set(root.host, root);
      plainKinds.delete(hostKind(root.host, localName(root.host)));
      anyGiven = true;
    }
  }
  function activeElement() {
    let el = D.active(doc);
    while (el && shadowOf(el)) {
      const inner = shadowOf(el).activeElement;
      if (!inner) break;
      el = inner;
    }
    return el;
  }

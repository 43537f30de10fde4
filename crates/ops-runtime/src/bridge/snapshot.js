  // ------------------------------------------------------------------ snapshot
  const SVG_CONTENT = 'text,a,[role],[tabindex],[aria-label],[aria-labelledby],g > title,image > title,foreignObject';
  const LEAF_TAGS = set('input textarea select img iframe frame meter progress video audio canvas object embed');
  const INLINE_OPTIONS = 12;
  const MAX_RUN = 500; // one line of running text
  // Walk flags: how a subtree is read, inherited downwards.
  const F_NO_TEXT = 1; // text belongs to a name that is shown already
  const F_INTERACTIVE_ONLY = 2; // inside a role whose children are presentational
  const F_DISABLED = 4;
  const F_POINTER = 8; // inside something clickable: a pointer cursor is inherited, not a sign of its own
  const F_HIDDEN = 16; // visibility: hidden here, descendants decide for themselves

  function snapshot(args) {
    const ctx = session(args);
    const mode = args.mode || 'full';
    if (mode !== 'full' && mode !== 'interactive' && mode !== 'outline') throw new Fail('invalid_value', `unknown snapshot mode ${mode}`);
    sweepRefs();
    const start = args.rootRef ? byRef(args.rootRef) : D.body(doc) || D.root(doc);
    const state = { ctx, mode, start, urls: !!args.urls, boxes: !!args.boxes, active: activeElement(), lines: [], frames: [],
      nodes: 0, interactive: 0, depth: 0, maxNodes: args.maxNodes > 0 ? args.maxNodes : Infinity, truncated: false };
    ownership(state);
    const top = { kids: [] };
    if (start) visitElement(start, top, start && isDisabledAbove(start) ? F_DISABLED : 0, state);
    for (const kid of top.kids) renderKid(kid, 0, state);
    return withNext(ctx, { lines: state.lines, frames: state.frames, title: D.title(doc), url: D.url(doc), nodes: state.nodes,
      interactive: state.interactive, truncated: state.truncated, hosts: wanted.size });
  }
  const isDisabledAbove = (el) => { const p = flatParent(el); return !!p && isDisabled(p); };

  // Deeper than any real page; a page that nests further must not exhaust the stack.
  const MAX_DEPTH = 600;
  function visitChildren(el, node, flags, state) {
    if (state.depth >= MAX_DEPTH) { state.truncated = true; return; }
    state.depth++;
    visitFlat(el, node, flags, state);
    state.depth--;
  }
  function visitFlat(el, node, flags, state) {
    const root = shadowOf(el);
    if (!root && isSlot(el)) {
      const assigned = el.assignedNodes({ flatten: true });
      if (assigned.length) {
        for (const n of assigned) visit(n, node, flags, state);
        return;
      }
    }
    for (let n = firstChild(root || el); n; n = nextSibling(n)) if (!state.owned || !state.owned.has(n)) visit(n, node, flags, state);
    const own = state.owned && state.owners.get(el);
    if (own) for (const n of own) visit(n, node, flags, state);
  }
  // Elements that `aria-owns` puts elsewhere, and where: the first owner has it, and nobody owns what it is in.
  function ownership(state) {
    const list = D.queryAll(doc, '[aria-owns]');
    if (!list.length) return;
    state.owned = new Set();
    state.owners = new Map();
    for (const owner of list) {
      // What shows no children cannot take others in, and what is hidden must not take them away.
      const takesIn = !LEAF_TAGS.has(localName(owner)) && !CHILDREN_PRESENTATIONAL.has(roleOf(owner));
      if (!takesIn || !flatContains(state.start, owner) || hiddenFromTree(owner)) continue;
      const own = [];
      for (const id of (attr(owner, 'aria-owns') || '').trim().split(/\s+/)) {
        const el = id && byId(owner, id);
        if (!el || state.owned.has(el) || flatContains(el, owner) || flatContains(el, state.start)) continue;
        state.owned.add(el);
        own.push(el);
      }
      state.owners.set(owner, own);
    }
  }
  function visit(n, node, flags, state) {
    const type = nodeType(n);
    if (type === 1) visitElement(n, node, flags, state);
    else if (type === 3 && state.mode === 'full' && !(flags & (F_NO_TEXT | F_INTERACTIVE_ONLY | F_HIDDEN))) addText(node, nodeValue(n));
  }
  // Inline pieces of one run of text become one line; an element line or a block boundary ends the run.
  function addText(node, text) {
    if (node.open) node.kids[node.kids.length - 1] += text;
    else if (/\S/.test(text)) { node.kids.push(text); node.open = true; }
  }

  function visitElement(el, node, flags, state) {
    const tag = localName(el);
    if (NO_TEXT.has(tag)) return;
    if (state.nodes >= state.maxNodes) { state.truncated = true; return; }
    state.nodes++;
    const attrs = hasAttrs(el);
    if ((attrs && outOfTree(el)) || (modals() && inertByModal(el))) return;
    // A container that will not be shown itself needs no check of its own: what is hidden with it fails the same test.
    const seen = state.mode === 'full' || attrs || INTERACTIVE.has(roleOf(el)) || OUTLINE.has(roleOf(el)) ? visibilityOf(el) : SHOWN;
    if (seen === GONE) return;
    if (mayHost(el, tag) && seen === SHOWN) noteHost(el, tag);
    flags = seen === SELF_HIDDEN ? flags | F_HIDDEN : flags & ~F_HIDDEN;
    const role = roleOf(el);
    if (attrs) {
      const disabled = attr(el, 'aria-disabled');
      if (disabled === 'true') flags |= F_DISABLED;
      else if (disabled === 'false') flags &= ~F_DISABLED;
    }
    if (seen === SHOWN) {
      const kind = emission(el, role, attrs, tag, flags, state);
      if (kind !== SKIP) { emit(el, role, kind, node, flags, state); return; }
    }
    const behind = tag === 'label' && seen === SHOWN && state.mode !== 'outline' ? hiddenChoice(el) : null;
    if (behind) emit(behind, roleOf(behind), CONTROL, node, flags, state);
    else hoist(el, tag, role, node, flags, state);
  }
  // The check box or radio button that a visible label replaces: pages hide the input and style the label.
  function hiddenChoice(label) {
    const input = label.control;
    return input && /^(checkbox|radio)$/.test(input.type) && visibilityOf(input) !== SHOWN && attr(input, 'aria-hidden') !== 'true' ? input : null;
  }
  // A flattened element: its children become children of the enclosing line.
  function hoist(el, tag, role, node, flags, state) {
    if (tag === 'svg' && role === 'generic' && !query(el, SVG_CONTENT)) return;
    if (LEAF_TAGS.has(tag) && tag !== 'object') return;
    if (tag === 'label' && state.mode === 'full' && labelRepeatsName(el)) flags |= F_NO_TEXT;
    const breaks = BLOCK_TAGS.has(tag) || (tag !== 'span' && tag !== 'a' && FLATTENED.has(role) && tag.includes('-')) || isBlockDisplay(el, tag, state);
    if (breaks) node.open = false;
    visitChildren(el, node, flags, state);
    if (breaks) node.open = false;
  }
  const isBlockDisplay = (el, tag, state) => tag === 'span' && state.mode === 'full' && hasAttrs(el) && displayBreaks(el);
  function labelRepeatsName(el) {
    const control = el.control;
    if (!control || visibilityOf(control) !== SHOWN) return false;
    const name = nameOf(control);
    return name !== '' && name === norm(contentName(el, LABEL, false, new Set([control])));
  }

  const SKIP = 0;
  const STRUCTURE = 1;
  const CONTROL = 2;
  const CLICKABLE = 3; // no role, but it takes the focus or a click
  function emission(el, role, attrs, tag, flags, state) {
    if (role === 'iframe') return STRUCTURE;
    if (state.mode === 'outline') return OUTLINE.has(role) ? STRUCTURE : SKIP;
    if (INTERACTIVE.has(role)) return CONTROL;
    if (attrs && tag !== 'body' && tag !== 'html' && tag !== 'label' && looksClickable(el, flags)) return CLICKABLE;
    if (state.mode === 'interactive' || flags & F_INTERACTIVE_ONLY) return SKIP;
    return FLATTENED.has(role) ? SKIP : STRUCTURE;
  }
  function looksClickable(el, flags) {
    const tabindex = attr(el, 'tabindex');
    if (tabindex !== null && parseInt(tabindex, 10) >= 0) return true;
    if (flags & F_POINTER) return false;
    if (hasAttr(el, 'onclick')) return true;
    return (hasAttr(el, 'class') || hasAttr(el, 'style') || hasAttr(el, 'id')) && isHtml(el) && styleOf(el).cursor === 'pointer';
  }

  function emit(el, role, kind, parent, flags, state) {
    parent.open = false;
    const made = { el, role, kind, name: '', marks: '', value: '', kids: [], open: false };
    if (kind === CLICKABLE || !NAMED_BY_CHILDREN.has(role) || hasExplicitName(el)) made.name = nameOf(el);
    if (kind >= CONTROL) state.interactive++;
    made.marks = stateMarks(el, role, (flags & F_DISABLED) !== 0 && kind >= CONTROL, state.active);
    const said = kind === CONTROL && state.mode === 'full' ? descriptionOf(el) : '';
    if (said && said !== made.name) made.marks += ` [description=${quote(cut(said, 100))}]`;
    made.value = state.mode === 'outline' ? '' : cut(shownValue(el, role));
    if (role === 'combobox' && state.mode === 'interactive' && !made.value && !LEAF_TAGS.has(localName(el))) made.value = cut(norm(textContent(el) || ''));
    parent.kids.push(made);
    addKids(made, flags, state);
    if (kind === CLICKABLE && !made.name) made.name = norm(contentName(el, CONTENT, false, new Set()));
    if (state.mode === 'full') dropRepeats(made);
  }
  function addKids(made, flags, state) {
    const { el, role } = made;
    const tag = localName(el);
    if (tag === 'select') return addOptions(made, state);
    if (LEAF_TAGS.has(tag)) return;
    if (made.kind >= CONTROL) flags |= F_POINTER;
    // What an editor holds is its value; links and check boxes in it can be acted on all the same.
    if (CHILDREN_PRESENTATIONAL.has(role) || ((role === 'textbox' || role === 'searchbox') && made.kind === CONTROL)) {
      if (firstElementChild(el) || shadowOf(el)) visitChildren(el, made, flags | F_INTERACTIVE_ONLY, state);
      return;
    }
    visitChildren(el, made, flags, state);
  }
  // A drop-down's options are listed where they are few, since a country list would eat the budget, or where it is the root asked for.
  function addOptions(made, state) {
    if (state.mode === 'outline') return;
    const options = made.el.options;
    if (made.role === 'combobox' && made.el !== state.start && options.length > INLINE_OPTIONS) {
      made.marks += ` [options=${options.length}]`;
      return;
    }
    for (let i = 0; i < options.length; i++) {
      const option = options[i];
      state.nodes++;
      if (hasAttr(option, 'hidden')) continue;
      const marks = (option.selected ? ' [selected]' : '') + (nativelyDisabled(option) ? ' [disabled]' : '');
      made.kids.push({ el: option, role: 'option', kind: CONTROL, name: nameOf(option), marks, value: '', kids: [], open: false });
      if (made.role === 'listbox') state.interactive++;
    }
  }
  // Text that the line's own name says already, and pictures that only lend their name to it, are not said twice.
  function dropRepeats(made) {
    if (!made.kids.length) return;
    if (!made.name) return;
    const fromContent = NAME_FROM_CONTENT.has(made.role) || made.kind === CLICKABLE || made.role === 'group' || made.role === 'figure' || made.role === 'table';
    if (!fromContent) return;
    made.kids = made.kids.filter((kid) => {
      if (typeof kid === 'string') return !made.name.includes(norm(kid));
      return !(kid.role === 'img' && kid.kind === STRUCTURE && made.name.includes(kid.name)) && !(kid.role === 'caption' && made.name === kid.name);
    });
  }

  const INDENT = Array.from({ length: 40 }, (_, i) => '  '.repeat(i) + '- ');
  const indent = (depth) => INDENT[depth] || INDENT[39];
  function renderKid(kid, depth, state) {
    if (typeof kid === 'string') {
      const text = norm(kid);
      if (text) state.lines.push(`${indent(depth)}text: ${cut(text, MAX_RUN)}`);
      return;
    }
    const { ctx } = state;
    const name = kid.name ? ` ${quote(kid.name)}` : '';
    let line = `${indent(depth)}${kid.role}${name}${kid.kind === CLICKABLE ? ' [clickable]' : ''}${kid.marks}`;
    if (state.urls && kid.role === 'link') line += ` [url=${cut(String(kid.el.href?.baseVal ?? kid.el.href ?? ''), 500)}]`;
    if (state.boxes) { const b = boxOf(kid.el); line += ` [box=${[b.x, b.y, b.width, b.height].map(Math.round).join(',')}]`; }
    const ref = refFor(kid.el, ctx);
    if (ref !== null) line += ` [ref=${ctx.prefix}${ref}]`;
    if (kid.role === 'iframe' && isFrameElement(kid.el)) state.frames.push({ ref, line: state.lines.length });
    const only = kid.kids.length === 1 && typeof kid.kids[0] === 'string' ? norm(kid.kids[0]) : null;
    if (kid.value) line += `: ${kid.value}`;
    else if (only) line += `: ${cut(only, MAX_RUN)}`;
    state.lines.push(line);
    if (only && !kid.value) return;
    for (const child of kid.kids) renderKid(child, depth + 1, state);
  }
  const isFrameElement = (el) => localName(el) === 'iframe' || localName(el) === 'frame';

  // ------------------------------------------------------------------ forms
  const SET_TYPES = set('color date time datetime-local month range week');
  const fire = (el, type) => dispatch(el, new Event(type, { bubbles: true, composed: true }));
  const focusOn = (el, options) => {
    if (isHtml(el)) focusHtml(el, options || { preventScroll: true });
    else if (typeof el.focus === 'function') el.focus(options || { preventScroll: true });
  };
  const editingHost = (el) => {
    let host = el;
    for (let p = parentElement(host); p && isEditable(p); p = parentElement(p)) host = p;
    return host;
  };
  const rawValue = (el) => (isEditable(el) && !/^(input|textarea)$/.test(localName(el)) ? innerText(el).replace(/\n$/, '') : el.value);
  const publicValue = (el) => (isPassword(el) ? valueText(el) : rawValue(el));

  function fill(args) {
    const ctx = session(args);
    const el = actionTarget(args, ctx, 'fill');
    const value = String(args.value ?? '');
    assertUsable(el, 'fill', ctx, args.force);
    const before = publicValue(el);
    const told = { ref: refFor(el, ctx), desc: named(el), before };
    const type = localName(el) === 'input' ? el.type : null;
    if (type !== null && SET_TYPES.has(type)) return withNext(ctx, { ...told, mode: setNative(el, type, value, ctx), value: el.value });
    if (type === 'number' && value !== '' && !Number.isFinite(Number(value))) {
      refuse('invalid_value', `${quote(value)} is no number`, el, ctx);
    }
    takeFocus(el, ctx);
    selectContents(el);
    const mode = value === '' && rawValue(el) === '' ? 'noop' : 'insert';
    const token = mode === 'insert' ? expectTyping(el, args) : undefined;
    // What is emptied is emptied by a key, whose release follows the event.
    const telling = mode === 'insert' && value !== '' && tells();
    if (telling) tellWhenEntered(el, value);
    return withNext(ctx, { ...told, mode, token, value: isPassword(el) && value ? MASK : value, tells: telling });
  }
  // Reads back in the turn of the last handler of the text's `input` event. An editor that handles the text by itself has no such
  // event: it is read back when the browser has confirmed the text.
  let entering = null;
  function tellWhenEntered(el, expect) {
    entering?.();
    const expires = performance.now() + 10000;
    const entered = (event) => {
      // A runtime that went away has no use for what is entered later.
      if (performance.now() > expires) {
        entering();
        return;
      }
      if (!event.isTrusted || !flatContains(el, event.composedPath()[0])) return;
      entering();
      const before = submissions;
      behindAll('input', () => {
        if (!isConnected(el) || submissions !== before || globalThis.closed) return;
        const out = readbackOf(el, expect);
        if (out.matches) typing = null;
        globalThis.__odbTell(ok(out));
      });
    };
    addListener(globalThis.window || globalThis, 'input', entered, QUIETLY);
    entering = () => {
      entering = null;
      removeListener(globalThis.window || globalThis, 'input', entered, QUIETLY);
    };
  }
  // Pickers and sliders take no keys that mean the value: it is set as the browser's own picker does, and checked.
  function setNative(el, type, value, ctx) {
    const wanted = type === 'color' ? value.trim().toLowerCase() : value.trim();
    const old = el.value;
    focusOn(el);
    setInputValue(el, wanted);
    const same = type === 'range' ? Number(el.value) === Number(wanted) && wanted !== '' : sameMoment(el.value, wanted, type);
    if (!same) {
      const became = el.value;
      setInputValue(el, old);
      throw new Fail('invalid_value', `${quote(wanted)} is no value for input[type=${type}]`, { type, became, min: attr(el, 'min'), max: attr(el, 'max'),
        step: attr(el, 'step'), element: describe(el, ctx), next: ctx.next });
    }
    if (el.value === old) return 'noop';
    fire(el, 'input');
    fire(el, 'change');
    return 'set';
  }
  const sameMoment = (got, wanted, type) => got === wanted || (type === 'datetime-local' && got !== '' && got === wanted.replace(' ', 'T')) ||
    (type === 'color' && /^#[0-9a-f]{6}$/.test(wanted) && got.toLowerCase() === wanted);
  function takeFocus(el, ctx) {
    const editable = isEditable(el) && !/^(input|textarea)$/.test(localName(el));
    const holder = editable ? editingHost(el) : el;
    if (activeElement() !== holder) focusOn(holder);
    const now = activeElement();
    if (now !== holder && !(editable && now && flatContains(now, holder))) {
      refuse('not_editable', 'the element does not take the focus', el, ctx);
    }
  }
  function selectContents(el) {
    if (/^(input|textarea)$/.test(localName(el))) { el.select(); return; }
    const root = getRootNode(el);
    const selection = (root !== doc && root.getSelection ? root.getSelection() : null) || D.getSelection(doc);
    selection?.selectAllChildren(el);
  }
  // Nothing for a secret.
  const readableValue = (el) => (isPassword(el) || el.type === 'password' ? undefined : rawValue(el));
  function readback(args) {
    const el = byRef(args.ref);
    if (!takesText(el)) throw new Fail('wrong_element_type', `a ${localName(el)} element takes no text`, { ref: args.ref });
    const out = readbackOf(el, args.expect);
    if (args.token) out.lost = lostTyping(args.token, args.last || out.matches);
    return out;
  }
  function readbackOf(el, expect) {
    const raw = rawValue(el);
    const out = { value: readableValue(el) };
    if (expect !== undefined && expect !== null) {
      out.matches = raw === expect || lineEnds(raw) === lineEnds(String(expect));
      if (!out.matches && el.type === 'number') out.matches = raw !== '' && Number(raw) === Number(expect);
    }
    out.focused = activeElement() === el;
    out.valid = el.validity ? el.validity.valid : null;
    return out;
  }
  const lineEnds = (s) => s.replace(/\r\n?/g, '\n').replace(/\u00a0/g, ' ');

  function select(args) {
    const ctx = session(args);
    const el = actionTarget(args, ctx, 'select');
    assertUsable(el, 'select', ctx, args.force);
    const options = Array.from(el.options);
    const wanted = args.values || [];
    if (!el.multiple && wanted.length !== 1) refuse('invalid_value', 'this select takes exactly one option', el, ctx);
    const chosen = new Set(wanted.map((w) => findOption(options, w, ctx, el)));
    const told = { ref: refFor(el, ctx), desc: named(el) };
    let changed = false;
    focusOn(el);
    for (const option of options) {
      const want = chosen.has(option);
      if (option.selected === want) continue;
      if (!el.multiple && !want) continue;
      option.selected = want;
      changed = true;
    }
    if (changed) { fire(el, 'input'); fire(el, 'change'); }
    const selected = Array.from(el.selectedOptions, optionJson);
    return withNext(ctx, { ...told, selected, changed });
  }
  const optionJson = (o) => ({ value: o.value, label: norm(o.label || o.text), index: o.index });
  function findOption(options, wanted, ctx, el) {
    const want = typeof wanted === 'object' && wanted !== null ? wanted : { value: String(wanted), label: String(wanted) };
    const labelled = (o) => norm(o.label || o.text) === norm(String(want.label)) || norm(o.text) === norm(String(want.label));
    let found = null;
    if (Number.isInteger(want.index)) found = options[want.index];
    if (!found && want.value !== undefined && want.value !== null) found = options.find((o) => o.value === String(want.value));
    if (!found && want.label !== undefined && want.label !== null) found = options.find(labelled);
    if (!found) {
      const list = options.slice(0, 50).map((o) => ({ ...optionJson(o), disabled: matches(o, ':disabled') }));
      refuse('option_not_found', `no option ${cut(String(JSON.stringify(wanted)))}`, el, ctx, { options: list, count: options.length });
    }
    if (matches(found, ':disabled')) refuse('not_enabled', `option ${quote(norm(found.text))} is disabled`, el, ctx);
    return found;
  }

  // Lists that pages make of their own: a listbox, or a combobox or button that opens one.
  const isListControl = (el) => /^(listbox|combobox)$/.test(roleOf(el)) || attr(el, 'aria-haspopup') === 'listbox';
  // The lists that were there before a control was opened: what it opens is another one.
  const listsBefore = new WeakMap();
  function listOf(el, opened) {
    if (roleOf(el) === 'listbox') return el;
    const ids = `${attr(el, 'aria-controls') || ''} ${attr(el, 'aria-owns') || ''}`.trim();
    const named = ids ? ids.split(/\s+/).map((id) => byId(el, id)).filter(Boolean) : [];
    const own = named.find((n) => roleOf(n) === 'listbox') || named.find((n) => deepElements(n).some((o) => roleOf(o) === 'option'));
    if (own) return own;
    const shown = deepElements(doc).filter((n) => roleOf(n) === 'listbox' && isVisible(n));
    if (!opened) listsBefore.set(el, new Set(expandedState(el) === true && shown.length === 1 ? [] : shown));
    const before = listsBefore.get(el);
    const fresh = shown.filter((n) => !before?.has(n));
    return fresh.length === 1 ? fresh[0] : null;
  }
  // The options of such a list that can be seen now.
  function choices(args) {
    const ctx = session(args);
    const el = actionTarget(args, ctx, 'select');
    if (!isListControl(el)) refuse('wrong_element_type', `a ${roleOf(el)} has no options to select`, el, ctx);
    const list = listOf(el, args.opened === true);
    const shown = list ? deepElements(list).filter((o) => roleOf(o) === 'option' && isVisible(o)) : [];
    const options = shown.slice(0, 500).map((o, index) => ({ ref: refFor(o, ctx), label: cut(nameOf(o)), value: attr(o, 'data-value') ?? attr(o, 'value') ?? cut(nameOf(o)),
      index, selected: selectedState(o) === true || checkedState(o) === true, disabled: isDisabled(o) }));
    return withNext(ctx, { ref: refFor(el, ctx), opens: roleOf(el) !== 'listbox', closed: expandedState(el) === false, many: !!list && attr(list, 'aria-multiselectable') === 'true', options });
  }
  // Whether an option that was clicked is the list's choice now: by its own state, or by what the control shows.
  function chosen(args) {
    const el = byRef(args.ref);
    const option = elementByRef.get(args.option)?.deref();
    const state = option && isConnected(option) ? selectedState(option) ?? checkedState(option) : null;
    const shown = localName(el) === 'input' ? el.value : roleOf(el) === 'listbox' ? '' : textContent(el) || '';
    const label = norm(String(args.label));
    return { chosen: state === true || (label !== '' && norm(shown).includes(label)), shown: cut(norm(shown)) };
  }

  function checkState(args) {
    const ctx = session(args);
    const el = actionTarget({ locator: args.locator || { ref: args.ref } }, ctx, 'check');
    const checked = checkedState(el);
    if (checked === null) refuse('wrong_element_type', `a ${roleOf(el)} cannot be checked`, el, ctx);
    return withNext(ctx, { checked, ref: refFor(el, ctx), desc: named(el) });
  }

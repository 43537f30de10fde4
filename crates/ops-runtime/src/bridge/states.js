  // ------------------------------------------------------------------ states
  const DISABLEABLE = set('button input select textarea option optgroup fieldset');
  // Browsers do not agree whether an option is disabled with its list: it can't be chosen.
  const nativelyDisabled = (el) => DISABLEABLE.has(localName(el)) && matches(el, ':disabled, select:disabled option');
  function isDisabled(el) {
    if (nativelyDisabled(el)) return true;
    for (let n = el; n; n = flatParent(n)) {
      const value = hasAttrs(n) ? attr(n, 'aria-disabled') : null;
      if (value === 'true') return true;
      if (value === 'false') return false;
    }
    return false;
  }
  const isReadonly = (el) => (/^(input|textarea)$/.test(localName(el)) && hasAttr(el, 'readonly')) || attr(el, 'aria-readonly') === 'true';
  const tristate = (value) => (value === 'mixed' ? 'mixed' : value === 'true');
  // true, false, "mixed", or null where the element cannot be checked.
  function checkedState(el, role = roleOf(el)) {
    if (localName(el) === 'input' && (el.type === 'checkbox' || el.type === 'radio')) {
      return el.type === 'checkbox' && el.indeterminate ? 'mixed' : el.checked;
    }
    if (!CHECKABLE.has(role)) return null;
    const value = attr(el, 'aria-checked');
    if (value === null && (role === 'option' || role === 'treeitem')) return null;
    return tristate(value);
  }
  function selectedState(el) {
    if (localName(el) === 'option' && isHtml(el)) return el.selected;
    const value = attr(el, 'aria-selected');
    return value === null ? null : value === 'true';
  }
  function expandedState(el) {
    const value = attr(el, 'aria-expanded');
    if (value !== null) return value === 'true' ? true : value === 'false' ? false : null;
    if (localName(el) === 'summary' && summaryRole(el) === 'button') return hasAttr(parentElement(el), 'open');
    return null;
  }
  function headingLevel(el) {
    const level = parseInt(attr(el, 'aria-level') || '', 10);
    if (level > 0) return level;
    const m = /^h([1-6])$/.exec(localName(el));
    return m ? Number(m[1]) : 2;
  }
  const AUTHORED_INVALID = new Set(['true', 'grammar', 'spelling']);
  function stateMarks(el, role, inheritedDisabled, active) {
    let out = '';
    const attrs = hasAttrs(el);
    if (role === 'heading') out += ` [level=${headingLevel(el)}]`;
    if (INTERACTIVE.has(role) || attrs) {
      const checked = checkedState(el, role);
      if (checked) out += checked === 'mixed' ? ' [checked=mixed]' : ' [checked]';
      if (inheritedDisabled || nativelyDisabled(el)) out += ' [disabled]';
    }
    if (role === 'option' ? selectedState(el) : attrs && attr(el, 'aria-selected') === 'true') out += ' [selected]';
    if (attrs || role === 'button') {
      const expanded = expandedState(el);
      if (expanded !== null) out += expanded ? ' [expanded]' : ' [collapsed]';
    }
    if (attrs) out += attributeMarks(el, role);
    return el === active ? out + ' [active]' : out;
  }
  function attributeMarks(el, role) {
    let out = '';
    const pressed = attr(el, 'aria-pressed');
    if (pressed === 'true' || pressed === 'mixed') out += pressed === 'mixed' ? ' [pressed=mixed]' : ' [pressed]';
    if (role !== 'heading' && attr(el, 'aria-level') > 0) out += ` [level=${parseInt(attr(el, 'aria-level'), 10)}]`;
    const control = INTERACTIVE.has(role);
    const popup = attr(el, 'aria-haspopup');
    if (popup && popup !== 'false' && role !== 'combobox') out += ` [haspopup=${popup === 'true' ? 'menu' : cut(norm(popup), 20)}]`;
    if (control && (hasAttr(el, 'required') || attr(el, 'aria-required') === 'true')) out += ' [required]';
    if (control && isReadonly(el)) out += ' [readonly]';
    if (AUTHORED_INVALID.has(attr(el, 'aria-invalid'))) out += ' [invalid]';
    const current = attr(el, 'aria-current');
    if (current && current !== 'false') out += current === 'true' ? ' [current]' : ` [current=${cut(norm(current), 20)}]`;
    return out;
  }
  // What is said of a control beside its name: a hint, or what is wrong with its value.
  function descriptionOf(el) {
    if (!hasAttrs(el)) return '';
    const wrong = AUTHORED_INVALID.has(attr(el, 'aria-invalid')) ? attr(el, 'aria-errormessage') : null;
    const ids = [attr(el, 'aria-describedby'), wrong].filter(Boolean).join(' ').trim();
    const parts = ids ? ids.split(/\s+/).map((id) => byId(el, id)).filter(Boolean) : [];
    const text = norm(parts.map((part) => computeName(part, REFERENCE, hiddenFromTree(part), new Set())).join(' '));
    return text || norm(attr(el, 'aria-description') || '');
  }
  // The current value as a snapshot shows it, or '' where there is none.
  function shownValue(el, role) {
    const tag = localName(el);
    if (tag === 'select') return role === 'combobox' ? selectedLabels(el).join(', ') : '';
    if (tag === 'input') {
      if (el.type === 'file') return Array.from(el.files || [], (f) => f.name).join(', ');
      if (el.type === 'checkbox' || el.type === 'radio') return '';
      return role === 'button' && el.type !== 'color' ? '' : norm(valueText(el));
    }
    if (tag === 'textarea') return norm(el.value);
    if (tag === 'progress' || tag === 'meter') return tag === 'progress' && !hasAttr(el, 'value') ? '' : String(el.value);
    if (role === 'slider' || role === 'spinbutton' || role === 'progressbar' || role === 'meter' || role === 'scrollbar') return norm(rangeText(el));
    if (role === 'textbox' || role === 'searchbox') return norm(textContent(el) || '');
    return '';
  }

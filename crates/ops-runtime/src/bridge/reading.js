  // ------------------------------------------------------------------ reading
  function read(args) {
    const ctx = session(args);
    const { what } = args;
    if (what === 'count') {
      const { length } = resolveAll(args.locator);
      return { value: length, hosts: length ? 0 : noteHosts() };
    }
    const reader = Object.hasOwn(READERS, what) ? READERS[what] : null;
    if (!reader) throw new Fail('invalid_value', `unknown thing to read: ${what}`);
    let el = args.locator ? resolveOne(args.locator, ctx) : null;
    if (!el && (what === 'value' || what === 'attr')) throw new Fail('invalid_selector', 'a locator object is missing');
    if (!el) el = what === 'text' || what === 'state' ? D.body(doc) || D.root(doc) : D.root(doc);
    if (!el) throw new Fail('not_found', 'the document has no element');
    return reader(el, args);
  }
  function limited(text, args) {
    const max = args.maxChars > 0 ? args.maxChars : Infinity;
    if (text.length <= max) return { value: text, length: text.length };
    // Nothing is added that is not the page's; half a surrogate pair is no character.
    const whole = /[\ud800-\udbff]$/.test(text.slice(0, max)) ? max - 1 : max;
    return { value: text.slice(0, whole), length: text.length, truncated: true };
  }
  const READERS = {
    text: (el, args) => limited(renderedText(el), args),
    html: (el, args) => limited(maskedMarkup(innerHTML(el), el), args),
    outerHtml: (el, args) => limited(maskedMarkup(outerHTML(el), el), args),
    value: (el, args) => (Array.isArray(controlValue(el)) ? { value: controlValue(el) } : limited(controlValue(el), args)),
    attr: (el, args) => {
      const value = attr(el, String(args.attr));
      return { value: value && isPassword(el) && String(args.attr).toLowerCase() === 'value' ? MASK : value };
    },
    state: (el) => ({ value: stateOf(el) }),
    box: (el) => ({ value: rectJson(boxOf(el)) }),
  };
  function renderedText(el) {
    if (!isHtml(el)) return textContent(el) || '';
    const tag = localName(el);
    if (tag === 'input' || tag === 'textarea' || tag === 'select') return tag === 'select' ? selectedLabels(el).join('\n') : valueText(el);
    if (rootsUnder(el).length === 1) return innerText(el);
    const out = [];
    shadowedText(el, out);
    return out.join('').replace(/[ \t]*\n[ \t\n]*/g, '\n').trim();
  }
  // innerText does not look into shadow trees; this reads the flat tree with line breaks around blocks.
  function shadowedText(el, out) {
    for (const n of flatChildren(el)) {
      if (nodeType(n) === 3) out.push(nodeValue(n).replace(/\s+/g, ' '));
      else if (isElement(n) && !NO_TEXT.has(localName(n)) && visibilityOf(n) !== GONE) {
        const block = localName(n) === 'br' || displayBreaks(n);
        if (block) out.push('\n');
        if (visibilityOf(n) === SHOWN || firstElementChild(n)) shadowedText(n, out);
        if (block) out.push('\n');
      }
    }
  }
  // A password written into the markup is masked without touching the page: its tag's own text is replaced.
  function maskedMarkup(html, el) {
    const secret = 'input[type=password i][value]';
    const fields = Array.from(queryAll(el, secret));
    if (matches(el, secret)) fields.push(el);
    for (const field of fields) {
      const own = outerHTML(field);
      html = html.split(own).join(own.replace(/(\svalue=")[^"]*"/, `$1${MASK}"`));
    }
    return html;
  }
  function controlValue(el) {
    const tag = localName(el);
    if (tag === 'select') return el.multiple ? Array.from(el.selectedOptions, (o) => o.value) : el.value;
    if (tag === 'input' || tag === 'textarea') return valueText(el);
    if (isEditable(el)) return innerText(el);
    if (tag === 'option' || tag === 'button' || tag === 'meter' || tag === 'progress' || tag === 'output' || tag === 'li') return String(el.value ?? '');
    const now = attr(el, 'aria-valuetext') || attr(el, 'aria-valuenow');
    if (now !== null) return now;
    throw new Fail('wrong_element_type', `a ${tag} element has no value`, { tag });
  }
  function stateOf(el) {
    const out = { visible: isVisible(el), enabled: !isDisabled(el), checked: checkedState(el), editable: isWritable(el), focused: activeElement() === el };
    const selected = selectedState(el);
    const expanded = expandedState(el);
    if (selected !== null) out.selected = selected;
    if (expanded !== null) out.expanded = expanded;
    return out;
  }
  const NOT_TYPABLE = set('button submit reset image file hidden checkbox radio');
  function takesText(el) {
    const tag = localName(el);
    if (tag === 'input') return !NOT_TYPABLE.has(el.type);
    return tag === 'textarea' || isEditable(el);
  }
  const isWritable = (el) => (takesText(el) || localName(el) === 'select') && !isDisabled(el) && !isReadonly(el);

  // ------------------------------------------------------------------ accessible names
  function labelledBy(el) {
    const ids = attr(el, 'aria-labelledby');
    if (ids === null) return NO_LABELS;
    // Elements that a script has set stand behind an attribute that is there and empty.
    if (ids === '') return Array.from(el.ariaLabelledByElements || NO_LABELS);
    return ids.trim().split(/\s+/).map((id) => byId(el, id)).filter(Boolean);
  }
  function nameOf(el) {
    let name = cache.name.get(el);
    if (name === undefined) {
      name = plainName(el);
      if (name === null) name = norm(computeName(el, SELF, false, new Set()));
      cache.name.set(el, name);
    }
    return name;
  }
  const NAME_PROHIBITED = set('none paragraph strong emphasis code deletion insertion subscript superscript term definition time mark');
  const NATIVELY_NAMED = set('input select textarea meter output progress img area svg fieldset figure table optgroup option');
  // The cases that make up most of a page, without the machinery below; null where that is needed.
  function plainName(el) {
    const role = roleOf(el);
    if (hasAttrs(el)) {
      if (hasAttr(el, 'aria-labelledby')) return null;
      const label = attr(el, 'aria-label');
      const name = label ? norm(label) : '';
      if (name) return name;
      if (hasAttr(el, 'title') || hasAttr(el, 'aria-placeholder') || hasAttr(el, 'aria-owns')) return null;
    }
    if (NAME_PROHIBITED.has(role)) return '';
    const tag = localName(el);
    if (NATIVELY_NAMED.has(tag) || namespaceURI(el) === SVG_NS || isEditingHost(el)) return null;
    if (!NAME_FROM_CONTENT.has(role)) return '';
    const only = firstChild(el);
    if (!only || nodeType(only) !== 3 || nextSibling(only) || shadowOf(el) || (tag === 'button' && labelsOf(el).length)) return null;
    const name = norm(aroundPseudo(el, nodeValue(only)));
    return name === '' ? null : name;
  }

  // How a computation came to an element: it is the one named, part of a name from content, referred to, or a label.
  const SELF = 0;
  const CONTENT = 1;
  const REFERENCE = 2;
  const LABEL = 3;
  const MAX_NAME_DEPTH = 200;
  // accname 1.2. `seen` holds the elements on the way here, which ends every loop of references.
  function computeName(el, via, hiddenOk, seen) {
    if (seen.has(el)) return '';
    const visibility = via === SELF || hiddenOk ? SHOWN : visibilityForName(el);
    if (visibility === GONE) return '';
    if (seen.size > MAX_NAME_DEPTH) return textContent(el) || '';
    seen.add(el);
    // `visibility: hidden` takes an element's own text out; elements in it can be visible again.
    const name = visibility === SELF_HIDDEN ? joinParts(el, via, hiddenOk, seen, false) : nameOnPath(el, via, hiddenOk, seen);
    seen.delete(el);
    return name;
  }
  // The elements on the way, and which one is being named: its own value is no part of its name.
  const pathOf = (el) => Object.assign(new Set(), { named: el });
  function nameOnPath(el, via, hiddenOk, seen) {
    // A slot on the way stands for what is assigned to it; labels of its own name nothing.
    if (via !== SELF && isSlot(el)) return contentName(el, via, hiddenOk, seen);
    if (via !== REFERENCE) {
      const refs = hasAttrs(el) ? labelledBy(el) : NO_LABELS;
      // A control may be part of its own name: referring to itself is no loop.
      const path = via === SELF ? pathOf(el) : seen;
      const text = refs.map((ref) => computeName(ref, REFERENCE, hiddenFromTree(ref), path)).join(' ');
      if (norm(text)) return text;
    }
    if (via !== SELF && seen.named !== el) {
      const value = embeddedValue(el);
      if (value !== null) return value;
    }
    const label = hasAttrs(el) ? attr(el, 'aria-label') : null;
    if (label && norm(label)) return label;
    const native = nativeName(el, via, hiddenOk, seen);
    if (native !== null && (norm(native) || localName(el) === 'img')) return native;
    if (via !== SELF || NAME_FROM_CONTENT.has(roleOf(el))) {
      const text = contentName(el, via === SELF ? CONTENT : via, hiddenOk, seen);
      if (norm(text)) return text;
      // White space between words is content as well: `Log<span> </span>in` is two words.
      if (via !== SELF) return fallbackName(el, via) || text;
    }
    return fallbackName(el, via);
  }
  const visibilityForName = (el) => (hasAttrs(el) && attr(el, 'aria-hidden') === 'true' ? GONE : visibilityOf(el));

  function fallbackName(el, via) {
    if (!hasAttrs(el)) return '';
    const title = attr(el, 'title');
    if (title && norm(title)) return title;
    if (via !== SELF) return '';
    if (isTextControl(el)) return attr(el, 'placeholder') || attr(el, 'aria-placeholder') || '';
    return attr(el, 'aria-placeholder') || '';
  }
  // A control inside a label or a name counts with its value, not with its own name.
  function embeddedValue(el) {
    const role = roleOf(el);
    if (role === 'textbox' || role === 'searchbox') return valueText(el);
    if (role === 'combobox' || role === 'listbox') {
      if (localName(el) === 'select') return selectedLabels(el).join(' ');
      if (localName(el) === 'input') return el.value;
      const chosen = queryAll(el, '[role=option][aria-selected=true]');
      // A combobox that holds no options shows its choice as its text, as component libraries build their selects.
      if (role === 'combobox' && !query(el, '[role=option]')) return textContent(el);
      return Array.from(chosen, (o) => textContent(o)).join(' ');
    }
    if (role === 'slider' || role === 'spinbutton' || role === 'scrollbar' || role === 'progressbar' || role === 'meter') return rangeText(el);
    return null;
  }
  const rangeText = (el) => attr(el, 'aria-valuetext') || attr(el, 'aria-valuenow') || (el.value === undefined ? '' : String(el.value));
  const selectedLabels = (el) => Array.from(el.selectedOptions || [], (o) => norm(o.label || o.text));
  const isTextControl = (el) => localName(el) === 'textarea' || (localName(el) === 'input' && /^(textbox|searchbox|spinbutton|combobox)$/.test(inputRole(el)));
  const isPassword = (el) => localName(el) === 'input' && isHtml(el) && (el.type === 'password' || passwordSeen.has(el));
  // A password stays one when the page turns its field into plain text ("show password").
  const passwordSeen = new WeakSet();
  const MASK = '••••';
  function valueText(el) {
    const tag = localName(el);
    if (tag === 'input' && isHtml(el)) {
      if (el.type === 'password') passwordSeen.add(el);
      return isPassword(el) ? (el.value ? MASK : '') : el.value;
    }
    return tag === 'textarea' ? el.value : textContent(el) || '';
  }

  // `el.labels` walks the whole document for every control; one pass over the labels of a tree serves them all.
  const NO_LABELS = [];
  function labelsOf(el) {
    const root = getRootNode(el);
    let byControl = cache.labels.get(root);
    if (byControl === undefined) {
      byControl = new Map();
      const list = root === doc ? D.queryAll(doc, 'label') : nodeType(root) === 11 ? root.querySelectorAll('label') : NO_LABELS;
      for (const label of list) {
        const control = label.control;
        if (!control) continue;
        const known = byControl.get(control);
        if (known) known.push(label);
        else byControl.set(control, [label]);
      }
      cache.labels.set(root, byControl);
    }
    return byControl.get(el) || NO_LABELS;
  }
  function labelsName(el, hiddenOk, seen) {
    const labels = labelsOf(el);
    if (!labels.length) return '';
    return labels.map((label) => computeName(label, LABEL, hiddenFromTree(label), seen)).join(' ');
  }
  function childName(el, tag, hiddenOk, seen) {
    for (let c = firstElementChild(el); c; c = nextElementSibling(c)) {
      if (localName(c) === tag) return contentName(c, CONTENT, hiddenOk, seen);
    }
    return '';
  }
  const BUTTON_DEFAULTS = { submit: 'Submit', reset: 'Reset' };
  function inputName(el, hiddenOk, seen) {
    const labels = labelsName(el, hiddenOk, seen);
    if (norm(labels)) return labels;
    if (el.type === 'image') return attr(el, 'alt') || attr(el, 'value') || attr(el, 'title') || 'Submit';
    if (el.type === 'button' || el.type === 'submit' || el.type === 'reset') {
      const value = attr(el, 'value');
      return value !== null ? value : attr(el, 'title') || BUTTON_DEFAULTS[el.type] || '';
    }
    return '';
  }
  const NATIVE_NAME = {
    input: inputName,
    button: labelsName, select: labelsName, textarea: labelsName, meter: labelsName, output: labelsName, progress: labelsName,
    // An empty `alt` says that the picture has no name; the title counts where there is no `alt`.
    img: (el) => attr(el, 'alt') ?? attr(el, 'title') ?? '',
    area: (el) => attr(el, 'alt') || '',
    fieldset: (el, hiddenOk, seen) => childName(el, 'legend', hiddenOk, seen),
    figure: (el, hiddenOk, seen) => childName(el, 'figcaption', hiddenOk, seen),
    table: (el, hiddenOk, seen) => childName(el, 'caption', hiddenOk, seen),
    optgroup: (el) => attr(el, 'label') || '',
    option: (el) => attr(el, 'label') || el.text,
  };
  function nativeName(el, via, hiddenOk, seen) {
    const tag = localName(el);
    if (via === SELF && isEditingHost(el)) return labelsName(el, hiddenOk, seen) || null;
    if (namespaceURI(el) === SVG_NS) return childName(el, 'title', hiddenOk, seen) || (tag === 'a' && attr(el, 'xlink:title')) || null;
    const rule = NATIVE_NAME[tag];
    if (!rule || !Object.hasOwn(NATIVE_NAME, tag)) return null;
    return rule(el, hiddenOk, seen);
  }

  const BLOCK_TAGS = set('address article aside blockquote br center dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hr li main menu nav ol p pre search section summary table tbody td tfoot th thead tr ul option optgroup ' +
    'button input select textarea img video audio canvas iframe meter progress');
  const NO_TEXT = set('script style noscript template head meta link title base datalist param source track');
  // Tags say enough for most; only classed or styled inline elements need their computed display.
  function breaksText(el, parentStyled) {
    const tag = localName(el);
    if (BLOCK_TAGS.has(tag)) return true;
    return parentStyled || isStyled(el) || tag.includes('-') ? displayBreaks(el) : false;
  }
  const isStyled = (el) => hasAttrs(el) && (hasAttr(el, 'class') || hasAttr(el, 'style') || hasAttr(el, 'id'));
  const displayBreaks = (el) => { const d = styleOf(el).display; return d !== 'inline' && d !== 'contents'; };

  // `aria-owns`: which element has which as its child. The first owner that is itself in the tree has it.
  function ownersIn(root) {
    let owners = cache.owners.get(root);
    if (owners === undefined) {
      owners = new Map();
      const list = root === doc ? D.queryAll(doc, '[aria-owns]') : nodeType(root) === 11 ? root.querySelectorAll('[aria-owns]') : NO_LABELS;
      for (const owner of list) {
        if (hiddenFromTree(owner)) continue;
        for (const owned of ownedBy(owner)) if (!owners.has(owned) && !flatContains(owned, owner)) owners.set(owned, owner);
      }
      cache.owners.set(root, owners);
    }
    return owners;
  }
  const ownedBy = (el) => (attr(el, 'aria-owns') || '').trim().split(/\s+/).map((id) => byId(el, id)).filter(Boolean);
  // The children of `el` in the accessibility tree: its own without those that others own, then those that it owns.
  function treeChildren(el) {
    const children = flatChildren(el);
    const owners = ownersIn(getRootNode(el));
    if (!owners.size) return children;
    const kept = children.filter((child) => !owners.has(child) || owners.get(child) === el);
    return kept.concat(ownedBy(el).filter((owned) => owners.get(owned) === el && !kept.includes(owned)));
  }

  function contentName(el, via, hiddenOk, seen) {
    const only = flatFirst(el);
    const plain = only && nodeType(only) === 3 && !nextSibling(only) && !shadowOf(el) && !isSlot(el) && !hasAttr(el, 'aria-owns');
    return aroundPseudo(el, plain ? nodeValue(only) : joinParts(el, via, hiddenOk, seen, true));
  }
  function joinParts(el, via, hiddenOk, seen, withText) {
    let text = '';
    const styled = isStyled(el);
    const isItem = roleOf(el) === 'treeitem';
    for (const child of treeChildren(el)) {
      if (nodeType(child) === 3) text += withText ? nodeValue(child) : '';
      else if (isElement(child) && !(NO_TEXT.has(localName(child)) && isHtml(child)) && !(hasAttrs(child) && listsOthers(child, isItem))) {
        const part = computeName(child, via, hiddenOk, seen);
        // What is owned stands elsewhere: no text runs into it.
        text += flatParent(child) !== el || breaksText(child, styled) ? ` ${part} ` : part;
      }
    }
    return text;
  }
  // A tree item is not named by the items under it, and nothing is named by the items of a menu that opens from it.
  function listsOthers(child, inTreeItem) {
    const role = attr(child, 'role') ? roleOf(child) : '';
    return (role === 'menu' && !hasAriaName(child)) || (inTreeItem && role === 'group');
  }

  // Generated content counts in names. Asking for pseudo styles of every element would cost more than the whole walk, so
  // style sheets are read once and only elements that one of their ::before/::after rules can match are asked.
  const sheetSelectors = new WeakMap();
  const MAX_RULES = 6000;
  function pseudoSelector() {
    if (cache.pseudo !== undefined) return cache.pseudo;
    const found = [];
    let unknown = false;
    const sheets = D.styleSheets(doc);
    for (let i = 0; i < sheets.length; i++) {
      const list = selectorsOf(sheets[i]);
      if (list === null) unknown = true;
      else found.push(...list);
    }
    for (const sheet of D.adopted(doc) || []) found.push(...(selectorsOf(sheet) || []));
    cache.pseudo = { selector: validSelector(found), unknown };
    return cache.pseudo;
  }
  function validSelector(list) {
    if (!list.length) return '';
    const selector = `:is(${Array.from(new Set(list)).join(',')})`;
    try { D.query(doc, selector); return selector; } catch { return ''; }
  }
  function selectorsOf(sheet) {
    let rules;
    try { rules = sheet.cssRules; } catch { return null; }
    const known = sheetSelectors.get(sheet);
    if (known && known.count === rules.length) return known.list;
    const list = [];
    const budget = { left: MAX_RULES };
    collectPseudoRules(rules, list, budget);
    sheetSelectors.set(sheet, { count: rules.length, list });
    return list;
  }
  const PSEUDO = /::?(?:before|after)\b/g;
  function collectPseudoRules(rules, list, budget) {
    for (let i = 0; i < rules.length && budget.left-- > 0; i++) {
      const rule = rules[i];
      const selector = rule.selectorText;
      if (selector && (selector.includes(':before') || selector.includes(':after')) && rule.style) {
        const content = rule.style.content;
        if (content && content !== 'none' && content !== 'normal' && content !== '""') {
          for (const part of selector.split(/,(?![^(]*\))/)) if (part.search(PSEUDO) >= 0) list.push(part.replace(PSEUDO, '').trim() || '*');
        }
      }
      if (rule.cssRules && rule.cssRules.length) collectPseudoRules(rule.cssRules, list, budget);
    }
  }
  function aroundPseudo(el, text) {
    const { selector, unknown } = pseudoSelector();
    const asked = getRootNode(el) !== doc || (unknown && norm(text) === '') || (selector !== '' && matches(el, selector));
    return asked ? pseudoText(el, '::before') + text + pseudoText(el, '::after') : text;
  }
  function pseudoText(el, pseudo) {
    const style = styleOf(el, pseudo);
    const content = style.content;
    if (!content || content === 'none' || content === 'normal' || style.display === 'none' || style.visibility === 'hidden') return '';
    const [shown, alt] = content.split(/\s*\/\s*(?=")/);
    let out = '';
    for (const m of (alt || shown).matchAll(/"((?:[^"\\]|\\.)*)"|attr\(\s*([\w-]+)\s*\)/g)) {
      out += m[2] ? attr(el, m[2]) || '' : m[1].replace(/\\(.)/g, '$1');
    }
    // Private-use code points are icon font glyphs: noise for a reader.
    out = out.replace(/[\ue000-\uf8ff]/g, '');
    return (style.display === 'inline' && !alt) || !out ? out : ` ${out} `;
  }

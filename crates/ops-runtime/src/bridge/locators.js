  // ------------------------------------------------------------------ locators
  const KEYS = ['ref', 'role', 'text', 'label', 'placeholder', 'alt', 'title', 'testId', 'css', 'xpath'];
  const matcher = (wanted, exact) => {
    const want = norm(String(wanted));
    if (exact) return (s) => norm(s) === want;
    const lower = want.toLowerCase();
    return (s) => norm(s).toLowerCase().includes(lower);
  };
  const byAttribute = (name) => (root, value, exact) => {
    const match = matcher(value, exact);
    return cssAll(root, `[${name}]`).filter((el) => match(attr(el, name)));
  };
  const FINDERS = {
    role: findByRole,
    text: findByText,
    label: findByLabel,
    placeholder: byAttribute('placeholder'),
    alt: byAttribute('alt'),
    title: byAttribute('title'),
    testId: (root, value) => cssAll(root, '[data-testid]').filter((el) => attr(el, 'data-testid') === String(value)),
    css: (root, value) => cssAll(root, String(value)),
    xpath: findByXPath,
  };
  const inTree = (el) => !hiddenFromTree(el) || (localName(el) === 'input' && labelsOf(el).some((l) => hiddenChoice(l) === el && !hiddenFromTree(l)));
  // Which elements can have a role without saying so; roles that are not listed are looked for everywhere.
  const ROLE_SOURCES = {
    button: 'button,input,summary', link: 'a,area', textbox: 'input,textarea,[contenteditable]', searchbox: 'input', combobox: 'input,select',
    listbox: 'select', option: 'option', checkbox: 'input', radio: 'input', slider: 'input', spinbutton: 'input', heading: 'h1,h2,h3,h4,h5,h6',
    img: 'img,svg,image', dialog: 'dialog', table: 'table', row: 'tr', cell: 'td,th', gridcell: 'td,th', columnheader: 'th', rowheader: 'th', list: 'ul,ol,menu,dir', listitem: 'li', navigation: 'nav',
    main: 'main', form: 'form', region: 'section', paragraph: 'p', article: 'article', progressbar: 'progress', switch: '', tab: '', menuitem: '', treeitem: '',
    menuitemcheckbox: '', menuitemradio: '', alert: '', tablist: '', tabpanel: '', menu: '', menubar: '', tree: '', grid: '', toolbar: '', tooltip: '',
  };
  function findByRole(start, value, exact, locator) {
    const wanted = canonicalRole(String(value).trim().toLowerCase());
    const source = Object.hasOwn(ROLE_SOURCES, wanted) ? ROLE_SOURCES[wanted] : null;
    const pool = source === null ? deepElements(start) : cssAll(start, source ? `${source},[role]` : '[role]');
    const match = locator.name === undefined || locator.name === null ? null : matcher(locator.name, exact);
    return pool.filter((el) => roleOf(el) === wanted && !NO_TEXT.has(localName(el)) && (!match || match(nameOf(el))) && inTree(el));
  }
  function cssAll(start, selector) {
    const roots = rootsUnder(start);
    try {
      const lists = roots.map((r) => (r === doc ? D.queryAll(doc, selector) : isElement(r) ? queryAll(r, selector) : r.querySelectorAll(selector)));
      const hits = lists.filter((l) => l.length);
      if (hits.length < 2) return Array.from(hits[0] || []);
      const found = new Set();
      for (const list of hits) for (const el of list) found.add(el);
      return deepElements(start).filter((el) => found.has(el));
    } catch {
      throw new Fail('invalid_selector', `not a valid CSS selector: ${cut(selector)}`, { selector });
    }
  }
  function findByXPath(start, expression) {
    let result;
    try {
      result = D.evaluate(doc, String(expression), start === doc ? doc : start, null, 7, null);
    } catch {
      throw new Fail('invalid_selector', `not a valid XPath expression: ${cut(String(expression))}`, { selector: expression });
    }
    const out = [];
    for (let i = 0; i < result.snapshotLength; i++) {
      const n = result.snapshotItem(i);
      if (isElement(n) && (start === doc || flatContains(start, n))) out.push(n);
    }
    return out;
  }
  const BUTTON_INPUT = /^(button|submit|reset)$/;
  const inputButton = (el) => localName(el) === 'input' && BUTTON_INPUT.test(el.type);
  function deepText(el, memo, depth = 0) {
    if (depth > MAX_DEPTH) return textContent(el) || '';
    const known = memo.get(el);
    if (known !== undefined) return known;
    let text = '';
    if (inputButton(el)) text = el.value || BUTTON_DEFAULTS[el.type] || '';
    else {
      const root = shadowOf(el);
      if (root) text += childText(root, memo, depth);
      text += childText(el, memo, depth);
    }
    memo.set(el, text);
    return text;
  }
  function childText(parent, memo, depth) {
    let text = '';
    for (let n = firstChild(parent); n; n = nextSibling(n)) {
      if (nodeType(n) === 3) text += nodeValue(n);
      else if (isElement(n) && !NO_TEXT.has(localName(n))) text += deepText(n, memo, depth + 1);
    }
    return text;
  }
  function findByText(start, value, exact) {
    if (norm(String(value)) === '') throw new Fail('invalid_value', 'text to look for is empty');
    const match = matcher(value, exact);
    const within = matcher(value, false);
    const memo = new Map();
    const out = [];
    const childrenOf = (el) => { const root = shadowOf(el); return root ? [...elementChildren(root), ...elementChildren(el)] : elementChildren(el); };
    const descend = (el, depth) => {
      const before = out.length;
      if (depth > MAX_DEPTH || !within(deepText(el, memo))) return;
      for (const child of childrenOf(el)) if (!NO_TEXT.has(localName(child))) descend(child, depth + 1);
      const inChild = out.length > before || (!exact && childrenOf(el).some((c) => !NO_TEXT.has(localName(c)) && match(deepText(c, memo))));
      if (!inChild && match(deepText(el, memo))) out.splice(before, 0, el);
    };
    if (start === doc) { const root = D.body(doc) || D.root(doc); if (root) descend(root, 0); }
    else for (const child of childrenOf(start)) descend(child, 0);
    return out;
  }
  function elementChildren(parent) {
    const out = [];
    for (let n = firstChild(parent); n; n = nextSibling(n)) if (isElement(n)) out.push(n);
    return out;
  }
  function findByLabel(start, value, exact) {
    const match = matcher(value, exact);
    const memo = new Map();
    return cssAll(start, 'input,textarea,select,button,meter,output,progress,[aria-label],[aria-labelledby],[contenteditable]').filter((el) => {
      if (localName(el) === 'input' && el.type === 'hidden') return false;
      const refs = labelledBy(el);
      if (refs.length) return match(refs.map((r) => deepText(r, memo)).join(' '));
      const label = attr(el, 'aria-label');
      if (label && norm(label)) return match(label);
      return labelsOf(el).some((l) => match(contentName(l, LABEL, true, new Set([el]))) || match(deepText(l, memo)));
    });
  }

  function locatorKey(locator) {
    if (!locator || typeof locator !== 'object') throw new Fail('invalid_selector', 'a locator object is missing');
    const keys = KEYS.filter((k) => locator[k] !== undefined && locator[k] !== null);
    if (keys.length !== 1) throw new Fail('invalid_selector', `a locator has exactly one of ${KEYS.join(', ')}; this one has ${keys.length}`, { keys });
    return keys[0];
  }
  function resolveAll(locator) {
    const key = locatorKey(locator);
    if (key === 'ref') return [byRef(locator.ref)];
    const start = locator.within ? byRef(locator.within) : doc;
    const found = FINDERS[key](start, locator[key], locator.exact === true, locator);
    if (locator.nth === undefined || locator.nth === null) return found;
    const one = found[locator.nth < 0 ? found.length + locator.nth : locator.nth];
    return one ? [one] : [];
  }
  const locatorText = (locator) => {
    const key = KEYS.find((k) => locator[k] !== undefined && locator[k] !== null);
    const name = locator.name === undefined || locator.name === null ? '' : `[name=${JSON.stringify(locator.name)}]`;
    const nth = locator.nth === undefined || locator.nth === null ? '' : ` nth=${locator.nth}`;
    return `${key}=${cut(String(locator[key]))}${name}${nth}`;
  };
  function resolveOne(locator, ctx) {
    const found = resolveAll(locator);
    if (found.length === 1) return found[0];
    const what = locatorText(locator);
    if (!found.length) throw new Fail('not_found', `no element matches ${what}`, { locator: what, hosts: locator.xpath ? 0 : noteHosts() });
    const candidates = found.slice(0, 5).map((el) => describe(el, ctx));
    throw new Fail('ambiguous', `${found.length} elements match ${what}`, { locator: what, count: found.length, candidates, next: ctx.next });
  }
  const named = (el) => ({ role: roleOf(el), name: cut(nameOf(el)), tag: localName(el) });
  function describe(el, ctx) {
    return { ref: refFor(el, ctx), ...named(el), text: cut(norm(shortText(el)), 100), visible: isVisible(el) };
  }
  const shortText = (el) => (isPassword(el) ? '' : inputButton(el) ? el.value : (textContent(el) || '').slice(0, 2000));
  function covering(el, ctx) {
    if (!el) return null;
    const d = describe(el, ctx);
    const id = attr(el, 'id');
    return { ref: d.ref, role: d.role, name: d.name, tag: d.tag, id: id || null, text: d.text };
  }

  function find(args) {
    const ctx = session(args);
    const found = resolveAll(args.locator);
    const limit = args.limit > 0 ? args.limit : 50;
    const list = found.slice(0, limit).map((el) => ({ ...describe(el, ctx), box: rectJson(boxOf(el)) }));
    return withNext(ctx, { count: found.length, matches: list, hosts: found.length ? 0 : noteHosts() });
  }

// DOM bridge: the page side of snapshot, locators, actionability, forms, reading and waiting.
//
// Evaluated once per document in an isolated world (Chromium) or a sandbox (Firefox). It defines `globalThis.__odb`
// with `version` and `call(name, args, element?)`, and it keeps an existing instance, refs included, when it is evaluated again.
// `call` returns a JSON string, or a promise of one, and never throws:
//   {"ok": result}  or  {"err": {"code", "message", "details"}}.
// Calls that may hand out refs take `next` (first unused ref number) and return `next`; an error whose details name
// elements carries it as `details.next`. Without `next`, elements that have no number yet are described without one.
//
// To guard clicks before the page's own window listeners see them it has to be evaluated at document start.
//
// It adds no node and no attribute to the page, never reads globals of the page, and reaches forms and the document
// through captured accessors only, because `<input name=children>` shadows `form.children` in every world.
(function begin() {
  'use strict';
  if (globalThis.__odb && globalThis.__odb.version) return;

  // ------------------------------------------------------------------ captured accessors
  const doc = document;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const descriptor = (proto, name) => {
    for (let p = proto; p; p = Object.getPrototypeOf(p)) {
      const d = Object.getOwnPropertyDescriptor(p, name);
      if (d) return d;
    }
    return null;
  };
  const getter = (ctor, name) => uncurry(descriptor(ctor.prototype, name).get);
  const setter = (ctor, name) => uncurry(descriptor(ctor.prototype, name).set);
  const method = (ctor, name) => uncurry(descriptor(ctor.prototype, name).value);

  const firstChild = getter(Node, 'firstChild');
  const nextSibling = getter(Node, 'nextSibling');
  const parentNode = getter(Node, 'parentNode');
  const parentElement = getter(Node, 'parentElement');
  const nodeType = getter(Node, 'nodeType');
  const nodeValue = getter(Node, 'nodeValue');
  const textContent = getter(Node, 'textContent');
  const isConnected = getter(Node, 'isConnected');
  const ownerDocument = getter(Node, 'ownerDocument');
  const getRootNode = method(Node, 'getRootNode');
  const localName = getter(Element, 'localName');
  const namespaceURI = getter(Element, 'namespaceURI');
  const firstElementChild = getter(Element, 'firstElementChild');
  const nextElementSibling = getter(Element, 'nextElementSibling');
  const shadowRoot = getter(Element, 'shadowRoot');
  const assignedSlot = getter(Element, 'assignedSlot');
  const innerHTML = getter(Element, 'innerHTML');
  const outerHTML = getter(Element, 'outerHTML');
  const attr = method(Element, 'getAttribute');
  const hasAttr = method(Element, 'hasAttribute');
  const hasAttrs = method(Element, 'hasAttributes');
  const matches = method(Element, 'matches');
  const closest = method(Element, 'closest');
  const queryAll = method(Element, 'querySelectorAll');
  const query = method(Element, 'querySelector');
  const boxOf = method(Element, 'getBoundingClientRect');
  const rectsOf = method(Element, 'getClientRects');
  const checkVisibility = method(Element, 'checkVisibility');
  const scrollIntoView = method(Element, 'scrollIntoView');
  const scrollElementBy = method(Element, 'scrollBy');
  const clientWidth = getter(Element, 'clientWidth');
  const clientHeight = getter(Element, 'clientHeight');
  const clientLeft = getter(Element, 'clientLeft');
  const clientTop = getter(Element, 'clientTop');
  const scrollLeft = getter(Element, 'scrollLeft');
  const scrollTop = getter(Element, 'scrollTop');
  const scrollWidth = getter(Element, 'scrollWidth');
  const scrollHeight = getter(Element, 'scrollHeight');
  const innerText = getter(HTMLElement, 'innerText');
  const editableHtml = getter(HTMLElement, 'isContentEditable');
  const focusHtml = method(HTMLElement, 'focus');
  const blurHtml = method(HTMLElement, 'blur');
  const dispatch = method(EventTarget, 'dispatchEvent');
  const addListener = method(EventTarget, 'addEventListener');
  const removeListener = method(EventTarget, 'removeEventListener');
  const setInputValue = setter(HTMLInputElement, 'value');
  const D = {
    body: getter(Document, 'body'),
    root: getter(Document, 'documentElement'),
    active: getter(Document, 'activeElement'),
    title: getter(Document, 'title'),
    readyState: getter(Document, 'readyState'),
    url: getter(Document, 'URL'),
    styleSheets: getter(Document, 'styleSheets'),
    adopted: getter(Document, 'adoptedStyleSheets'),
    scrollingElement: getter(Document, 'scrollingElement'),
    query: method(Document, 'querySelector'),
    queryAll: method(Document, 'querySelectorAll'),
    evaluate: method(Document, 'evaluate'),
    elementFromPoint: method(Document, 'elementFromPoint'),
    getAnimations: method(Document, 'getAnimations'),
    byTag: method(Document, 'getElementsByTagName'),
    getElementById: method(Document, 'getElementById'),
    createRange: method(Document, 'createRange'),
    getSelection: method(Document, 'getSelection'),
    all: (root) => D.queryAll(root, '*'),
  };
  const SVG_NS = 'http://www.w3.org/2000/svg';
  const HTML_NS = 'http://www.w3.org/1999/xhtml';
  const isHtml = (el) => namespaceURI(el) === HTML_NS;
  const isElement = (n) => !!n && nodeType(n) === 1;
  const closedRoot = descriptor(Element.prototype, 'openOrClosedShadowRoot');
  const shadowOf = closedRoot ? uncurry(closedRoot.get) : shadowRoot;

  // ------------------------------------------------------------------ small helpers
  class Fail {
    constructor(code, message, details) {
      this.code = code;
      this.message = message;
      this.details = details || {};
    }
  }
  const MAX_TEXT = 200;
  const collapse = (s) => {
    const t = s.replace(/[\s\u200b\u00ad\u0000-\u001f\u007f]+/g, squeeze);
    return t.trim();
  };
  // Zero-width and soft-hyphen characters vanish, real white space becomes one blank.
  const squeeze = (run) => (/\s|[\u0000-\u001f]/.test(run) ? ' ' : '');
  const PLAIN = /^[!-~]+(?: [!-~]+)*$/;
  const norm = (s) => (s === '' || PLAIN.test(s) ? s : collapse(s));
  const cut = (s, max = MAX_TEXT) => {
    if (s.length <= max) return s;
    const end = /[\ud800-\udbff]/.test(s[max - 1]) ? max - 1 : max;
    return s.slice(0, end) + '…';
  };
  const quote = (s) => JSON.stringify(cut(s));
  const round = (n) => Math.round(n * 100) / 100;
  const rectJson = (r) => ({ x: round(r.left), y: round(r.top), width: round(r.right - r.left), height: round(r.bottom - r.top) });
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const viewport = () => {
    const root = D.scrollingElement(doc) || D.root(doc);
    const w = root ? clientWidth(root) : innerWidth;
    const h = root ? clientHeight(root) : innerHeight;
    return { w: w || innerWidth, h: h || innerHeight };
  };
  // Resolves in a later task, after the handlers and microtasks of the event being dispatched.
  const nextTask = () => new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { channel.port1.close(); done(); };
    channel.port2.postMessage(0);
  });
  // Resolves once the tasks queued now have run, those of other task sources too: a form is submitted in a task of its own.
  const queuedTasks = async () => {
    await nextTask();
    await new Promise((done) => setTimeout(done, 0));
    await nextTask();
  };
  // A background page fires no frames: the timer bounds the wait.
  const nextFrame = () => new Promise((done) => {
    const timer = setTimeout(done, 100);
    requestAnimationFrame(() => { clearTimeout(timer); done(); });
  });

  // Facts about elements that hold for the duration of one synchronous piece of work.
  let cache;
  const freshCache = () => { cache = { role: new Map(), name: new Map(), labels: new Map(), modal: undefined, pseudo: undefined }; };
  freshCache();

  // ------------------------------------------------------------------ refs
  const elementByRef = new Map();
  const refByElement = new WeakMap();
  let highestRef = 0;

  const session = (args) => ({
    next: Number.isInteger(args.next) ? Math.max(args.next, highestRef + 1) : null,
    prefix: typeof args.prefix === 'string' ? args.prefix : 'e',
  });
  function refFor(el, ctx) {
    let ref = refByElement.get(el);
    if (ref === undefined) {
      if (ctx.next === null) return null;
      ref = ctx.next++;
      highestRef = ref;
      refByElement.set(el, ref);
      elementByRef.set(ref, new WeakRef(el));
    }
    return ref;
  }
  function byRef(ref) {
    const el = elementByRef.get(ref)?.deref();
    if (el && isConnected(el) && ownerDocument(el) === doc) return el;
    if (!el) elementByRef.delete(ref);
    throw new Fail('stale_ref', `ref ${ref} names no element of this document any more`, { ref });
  }
  // Forgets numbers of collected elements, at a cost that stays in proportion to the numbers given out.
  let sweepAt = 10000;
  function sweepRefs() {
    if (elementByRef.size < sweepAt) return;
    for (const [ref, held] of elementByRef) if (!held.deref()) elementByRef.delete(ref);
    sweepAt = Math.max(10000, elementByRef.size * 2);
  }
  const withNext = (ctx, result) => { result.next = ctx.next === null ? highestRef + 1 : ctx.next; return result; };

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
  function activeElement() {
    let el = D.active(doc);
    while (el && shadowOf(el)) {
      const inner = shadowOf(el).activeElement;
      if (!inner) break;
      el = inner;
    }
    return el;
  }

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
    if (checkVisibility(el, VISIBILITY_OPTIONS)) return true;
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

  // ------------------------------------------------------------------ roles
  const set = (words) => new Set(words.split(' '));
  const ARIA_ROLES = set('alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox ' +
    'complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid gridcell group heading ' +
    'img image insertion link list listbox listitem log main mark marquee math menu menubar menuitem menuitemcheckbox menuitemradio meter ' +
    'navigation note option paragraph progressbar radio radiogroup region row rowgroup rowheader scrollbar search searchbox separator ' +
    'slider spinbutton status strong subscript suggestion superscript switch tab table tablist tabpanel term textbox time timer toolbar ' +
    'tooltip tree treegrid treeitem');
  const INTERACTIVE = set('button link textbox searchbox combobox listbox option checkbox radio switch slider spinbutton menuitem ' +
    'menuitemcheckbox menuitemradio tab treeitem scrollbar');
  const LANDMARKS = set('banner complementary contentinfo form main navigation region search');
  const OUTLINE = new Set([...LANDMARKS, ...set('heading table grid treegrid dialog alertdialog')]);
  // Roles that only carry text or structure without a handle of its own: their children are hoisted.
  const FLATTENED = set('generic none rowgroup strong emphasis code mark subscript superscript deletion insertion suggestion time ' +
    'term definition caption legend');
  const NAME_FROM_CONTENT = set('button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio ' +
    'option radio row rowheader switch tab tooltip treeitem');
  // In a snapshot these show their children; the name from content would only repeat them.
  const NAMED_BY_CHILDREN = set('row cell gridcell columnheader rowheader');
  const CHILDREN_PRESENTATIONAL = set('button checkbox img menuitemcheckbox menuitemradio meter option progressbar radio scrollbar separator ' +
    'slider switch tab');
  const CHECKABLE = set('checkbox radio switch menuitemcheckbox menuitemradio option treeitem');
  const GLOBAL_ARIA = ['aria-label', 'aria-labelledby', 'aria-describedby', 'aria-live', 'aria-controls', 'aria-owns', 'aria-atomic',
    'aria-busy', 'aria-current', 'aria-details', 'aria-dropeffect', 'aria-flowto', 'aria-grabbed', 'aria-keyshortcuts', 'aria-relevant',
    'aria-roledescription'];
  const INPUT_ROLES = {
    button: 'button', submit: 'button', reset: 'button', image: 'button', file: 'button', color: 'button', checkbox: 'checkbox',
    radio: 'radio', number: 'spinbutton', range: 'slider', search: 'searchbox', hidden: 'none',
  };
  const SECTIONING = 'article,aside,main,nav,section,[role=article],[role=complementary],[role=main],[role=navigation],[role=region]';

  const hasAriaName = (el) => !!(norm(attr(el, 'aria-label') || '') || (attr(el, 'aria-labelledby') && labelledBy(el).length));
  const hasExplicitName = (el) => hasAttrs(el) && (hasAriaName(el) || !!norm(attr(el, 'title') || ''));
  const tableRole = (el) => { const t = closest(el, 'table'); return t ? roleOf(t) : 'table'; };
  const inTable = (role) => (el) => { const t = tableRole(el); return t === 'none' ? 'generic' : role; };
  const cellRole = (el) => { const t = tableRole(el); return t === 'none' ? 'generic' : t === 'grid' || t === 'treegrid' ? 'gridcell' : 'cell'; };
  const linkRole = (el) => (hasAttr(el, 'href') || hasAttr(el, 'xlink:href') ? 'link' : 'generic');
  const scopedTo = (role) => (el) => (closest(parentElement(el) || el, SECTIONING) && closest(el, SECTIONING) !== el ? 'generic' : role);

  function headerCellRole(el) {
    const table = cellRole(el);
    if (table === 'generic') return table;
    const scope = (attr(el, 'scope') || '').toLowerCase();
    if (scope === 'row' || scope === 'rowgroup') return 'rowheader';
    if (scope === 'col' || scope === 'colgroup') return 'columnheader';
    const row = parentElement(el);
    const body = row && parentElement(row);
    if (!body || localName(body) === 'thead') return 'columnheader';
    return query(row, ':scope > td') ? 'rowheader' : 'columnheader';
  }
  function inputRole(el) {
    const role = INPUT_ROLES[el.type];
    if (role === undefined || role === 'searchbox') {
      if (hasAttr(el, 'list') && /^(text|search|tel|url|email)$/.test(el.type) && el.list) return 'combobox';
      return role || 'textbox';
    }
    if (role === 'button' && hasAttr(el, 'aria-pressed')) return 'button';
    return role;
  }
  function imageRole(el) {
    return attr(el, 'alt') === '' && !hasExplicitName(el) && !hasAttr(el, 'tabindex') ? 'none' : 'img';
  }
  function svgRole(el) {
    return hasAriaName(el) || query(el, ':scope > title') || attr(el, 'tabindex') ? 'img' : 'generic';
  }
  function summaryRole(el) {
    const parent = parentElement(el);
    return parent && localName(parent) === 'details' && query(parent, ':scope > summary') === el ? 'button' : 'generic';
  }
  function listItemRole(el) {
    const parent = flatParent(el);
    return parent && roleOf(parent) === 'none' ? 'generic' : 'listitem';
  }
  const IMPLICIT = new Map(Object.entries({
    a: linkRole, area: linkRole, address: 'group', article: 'article', aside: 'complementary', audio: 'audio', blockquote: 'blockquote',
    button: 'button', caption: 'caption', canvas: 'canvas', code: 'code', dd: 'definition', del: 'deletion', details: 'group', dfn: 'term',
    dialog: 'dialog', dt: 'term', em: 'emphasis', embed: 'embed', fieldset: 'group', figure: 'figure', footer: scopedTo('contentinfo'),
    form: (el) => (hasExplicitName(el) ? 'form' : 'generic'), frame: 'iframe', h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading',
    h5: 'heading', h6: 'heading', header: scopedTo('banner'), hr: 'separator', html: 'document', iframe: 'iframe', img: imageRole,
    input: inputRole, ins: 'insertion', legend: 'legend', li: listItemRole, main: 'main', mark: 'mark', math: 'math', menu: 'list',
    meter: 'meter', nav: 'navigation', object: 'object', ol: 'list', optgroup: 'group', option: 'option', output: 'status', p: 'paragraph',
    progress: 'progressbar', search: 'search', section: (el) => (hasExplicitName(el) ? 'region' : 'generic'),
    select: (el) => (el.multiple || el.size > 1 ? 'listbox' : 'combobox'), strong: 'strong', sub: 'subscript', summary: summaryRole,
    sup: 'superscript', svg: svgRole, table: 'table', tbody: inTable('rowgroup'), td: cellRole, textarea: 'textbox', tfoot: inTable('rowgroup'),
    th: headerCellRole, thead: inTable('rowgroup'), time: 'time', tr: inTable('row'), ul: 'list', video: 'video',
  }));

  function implicitRole(el) {
    const rule = IMPLICIT.get(localName(el));
    if (rule === undefined) return isEditingHost(el) ? 'textbox' : 'generic';
    return typeof rule === 'string' ? rule : rule(el);
  }
  const isEditingHost = (el) => {
    const value = hasAttrs(el) ? attr(el, 'contenteditable') : null;
    return value !== null && value.toLowerCase() !== 'false' && value !== 'inherit' && isEditable(el);
  };
  const isEditable = (el) => isHtml(el) && editableHtml(el);
  const FOCUSABLE_TAGS = set('button input select textarea summary iframe');
  function isFocusable(el) {
    if (hasAttr(el, 'tabindex')) return !Number.isNaN(parseInt(attr(el, 'tabindex'), 10));
    const tag = localName(el);
    if (tag === 'a' || tag === 'area') return hasAttr(el, 'href');
    return (FOCUSABLE_TAGS.has(tag) && !nativelyDisabled(el)) || isEditingHost(el);
  }
  function explicitRole(el, value) {
    for (const raw of value.trim().toLowerCase().split(/\s+/)) {
      if (raw === 'none' || raw === 'presentation') {
        // A presentational role on something that can be focused or is described must not hide it.
        return isFocusable(el) || GLOBAL_ARIA.some((a) => hasAttr(el, a)) ? null : 'none';
      }
      if (ARIA_ROLES.has(raw)) return raw === 'image' ? 'img' : raw;
    }
    return null;
  }
  function roleOf(el) {
    let role = cache.role.get(el);
    if (role === undefined) {
      const value = hasAttrs(el) ? attr(el, 'role') : null;
      role = (value && explicitRole(el, value)) || implicitRole(el);
      cache.role.set(el, role);
    }
    return role;
  }

  // ------------------------------------------------------------------ accessible names
  function labelledBy(el) {
    const ids = attr(el, 'aria-labelledby');
    if (!ids) return [];
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
      if (hasAttr(el, 'title') || hasAttr(el, 'aria-placeholder')) return null;
    }
    if (NAME_PROHIBITED.has(role)) return '';
    const tag = localName(el);
    if (NATIVELY_NAMED.has(tag) || isEditingHost(el)) return null;
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
    if (seen.has(el) || (via !== SELF && !hiddenOk && isHiddenForName(el))) return '';
    if (seen.size > MAX_NAME_DEPTH) return textContent(el) || '';
    seen.add(el);
    const name = nameOnPath(el, via, hiddenOk, seen);
    seen.delete(el);
    return name;
  }
  function nameOnPath(el, via, hiddenOk, seen) {
    if (via !== REFERENCE) {
      const refs = hasAttrs(el) ? labelledBy(el) : NO_LABELS;
      // A control may be part of its own name: referring to itself is no loop.
      const path = via === SELF ? new Set() : seen;
      const text = refs.map((ref) => computeName(ref, REFERENCE, hiddenFromTree(ref), path)).join(' ');
      if (norm(text)) return text;
    }
    if (via !== SELF) {
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
    }
    return fallbackName(el, via);
  }
  const isHiddenForName = (el) => (hasAttrs(el) && attr(el, 'aria-hidden') === 'true') || visibilityOf(el) !== SHOWN;

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
    img: (el) => attr(el, 'alt') || attr(el, 'title') || '',
    area: (el) => attr(el, 'alt') || '',
    svg: (el, hiddenOk, seen) => childName(el, 'title', hiddenOk, seen),
    fieldset: (el, hiddenOk, seen) => childName(el, 'legend', hiddenOk, seen),
    figure: (el, hiddenOk, seen) => childName(el, 'figcaption', hiddenOk, seen),
    table: (el, hiddenOk, seen) => childName(el, 'caption', hiddenOk, seen),
    optgroup: (el) => attr(el, 'label') || '',
    option: (el) => attr(el, 'label') || el.text,
  };
  function nativeName(el, via, hiddenOk, seen) {
    const tag = localName(el);
    if (via === SELF && isEditingHost(el)) return labelsName(el, hiddenOk, seen) || null;
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
    if (BLOCK_TAGS.has(tag) && tag !== 'img') return true;
    return parentStyled || isStyled(el) || tag.includes('-') ? displayBreaks(el) : false;
  }
  const isStyled = (el) => hasAttrs(el) && (hasAttr(el, 'class') || hasAttr(el, 'style') || hasAttr(el, 'id'));
  const displayBreaks = (el) => { const d = styleOf(el).display; return d !== 'inline' && d !== 'contents'; };

  function contentName(el, via, hiddenOk, seen) {
    const only = flatFirst(el);
    if (only && nodeType(only) === 3 && !nextSibling(only) && !shadowOf(el)) return aroundPseudo(el, nodeValue(only));
    let text = '';
    const styled = isStyled(el);
    const isItem = roleOf(el) === 'treeitem';
    for (const child of flatChildren(el)) {
      if (nodeType(child) === 3) text += nodeValue(child);
      else if (isElement(child) && !(NO_TEXT.has(localName(child)) && isHtml(child))) {
        // A tree item is not named by the items under it.
        if (isItem && roleOf(child) === 'group') continue;
        const part = computeName(child, via, hiddenOk, seen);
        text += breaksText(child, styled) ? ` ${part} ` : part;
      }
    }
    return aroundPseudo(el, text);
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

  // ------------------------------------------------------------------ states
  const DISABLEABLE = set('button input select textarea option optgroup fieldset');
  const nativelyDisabled = (el) => DISABLEABLE.has(localName(el)) && matches(el, ':disabled');
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
    if (control && (hasAttr(el, 'required') || attr(el, 'aria-required') === 'true')) out += ' [required]';
    if (control && isReadonly(el)) out += ' [readonly]';
    if (AUTHORED_INVALID.has(attr(el, 'aria-invalid'))) out += ' [invalid]';
    const current = attr(el, 'aria-current');
    if (current && current !== 'false') out += current === 'true' ? ' [current]' : ` [current=${cut(norm(current), 20)}]`;
    return out;
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

  // ------------------------------------------------------------------ snapshot
  const SVG_CONTENT = 'text,a,[role],[tabindex],foreignObject';
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
    const top = { kids: [] };
    if (start) visitElement(start, top, start && isDisabledAbove(start) ? F_DISABLED : 0, state);
    for (const kid of top.kids) renderKid(kid, 0, state);
    return withNext(ctx, { lines: state.lines, frames: state.frames, title: D.title(doc), url: D.url(doc), nodes: state.nodes,
      interactive: state.interactive, truncated: state.truncated });
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
    for (let n = firstChild(root || el); n; n = nextSibling(n)) visit(n, node, flags, state);
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
    if (LEAF_TAGS.has(tag) || ((role === 'textbox' || role === 'searchbox') && made.kind === CONTROL)) return;
    if (made.kind >= CONTROL) flags |= F_POINTER;
    if (CHILDREN_PRESENTATIONAL.has(role)) {
      if (firstElementChild(el) || shadowOf(el)) visitChildren(el, made, flags | F_INTERACTIVE_ONLY, state);
      return;
    }
    if (tag === 'svg') return;
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
      const marks = (option.selected ? ' [selected]' : '') + (matches(option, ':disabled') ? ' [disabled]' : '');
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
    img: 'img,svg', dialog: 'dialog', table: 'table', row: 'tr', cell: 'td,th', gridcell: 'td,th', columnheader: 'th', rowheader: 'th', list: 'ul,ol,menu', listitem: 'li', navigation: 'nav',
    main: 'main', form: 'form', region: 'section', paragraph: 'p', article: 'article', progressbar: 'progress', switch: '', tab: '', menuitem: '', treeitem: '',
    menuitemcheckbox: '', menuitemradio: '', alert: '', tablist: '', tabpanel: '', menu: '', menubar: '', tree: '', grid: '', toolbar: '', tooltip: '',
  };
  function findByRole(start, value, exact, locator) {
    const lower = String(value).trim().toLowerCase();
    const wanted = lower === 'image' ? 'img' : lower;
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
    if (!found.length) throw new Fail('not_found', `no element matches ${what}`, { locator: what });
    const candidates = found.slice(0, 5).map((el) => describe(el, ctx));
    throw new Fail('ambiguous', `${found.length} elements match ${what}`, { locator: what, count: found.length, candidates, next: ctx.next });
  }
  function describe(el, ctx) {
    const role = roleOf(el);
    return { ref: refFor(el, ctx), role, name: cut(nameOf(el)), tag: localName(el), text: cut(norm(shortText(el)), 100), visible: isVisible(el) };
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
    return withNext(ctx, { count: found.length, matches: list });
  }

  // ------------------------------------------------------------------ reading
  function read(args) {
    const ctx = session(args);
    const { what } = args;
    if (what === 'count') return { value: resolveAll(args.locator).length };
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
  // What takes a pointer on behalf of the element: custom check boxes hide the input and style its label.
  function pointerTarget(el) {
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
    if (action === 'select' && localName(el) !== 'select') fail('wrong_element_type', `a ${localName(el)} element has no options to select`);
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
      return [{ x: box.left + position.x, y: box.top + position.y }].filter((p) => insideView(p, view));
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
      if (hit && accepts(target, hit)) return { point: p };
      blocker = blocker || hit;
    }
    return { point: null, blocker, tried };
  }
  const scrollTo = (el, block) => scrollIntoView(el, { block, inline: block === 'nearest' ? 'nearest' : 'center', behavior: 'instant' });
  // A point where the pointer reaches the element; scrolls only when there is none without scrolling.
  function hitPoint(el, target, position, ctx, force) {
    let result = probe(el, target, position, false);
    if (result.point) return { ...result.point, scrolled: false };
    let first = result;
    for (const block of ['center', 'end', 'start', 'nearest']) {
      scrollTo(el, block);
      result = probe(el, target, position, false);
      if (!result.point && block === 'center') { first = result; result = probe(el, target, position, true); }
      if (result.point) return { ...result.point, scrolled: true };
    }
    scrollTo(el, 'center');
    const points = candidatePoints(el, position, false);
    if (!points.length) refuse('outside_viewport', 'the element cannot be scrolled into the viewport', target, ctx);
    if (force) return { ...points[0], scrolled: true };
    const by = covering(first.blocker, ctx);
    throw new Fail('covered', `the element is covered by ${by ? `${by.role} <${by.tag}>` : 'something outside the document'}`,
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
    const roots = new Set([doc]);
    for (let n = el; n; n = flatParent(n)) roots.add(getRootNode(n));
    for (const root of roots) {
      const list = root === doc ? D.getAnimations(doc) : root.getAnimations ? root.getAnimations() : [];
      if (list.some((a) => a.playState === 'running' && a.effect?.target && flatContains(a.effect.target, el) && moves(a))) return true;
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
      desc: { role: roleOf(el), name: cut(nameOf(el)), tag: localName(el) }, info: elementInfo(el) };
    if (via !== el) result.info.via = 'label';
    return withNext(ctx, result);
  }
  function placeFor(el, via, action, args, ctx) {
    if (POINTER_ACTIONS.has(action)) return hitPoint(via, el, args.position, ctx, args.force);
    const scrolled = action === 'upload' ? false : keepInView(el);
    return { ...center(boxOf(el)), scrolled };
  }
  function elementInfo(el) {
    const tag = localName(el);
    return { type: tag === 'input' || tag === 'button' ? el.type : null, checked: checkedState(el), tagName: tag, isContentEditable: isEditable(el),
      multiple: tag === 'select' || tag === 'input' ? !!el.multiple : false, focused: activeElement() === el };
  }

  // ------------------------------------------------------------------ the guard
  // Armed before a batch of pointer input: what lands on the target passes, the rest never reaches the page.
  // The listeners are there from the start, so that they run before those that the page puts on window.
  const GUARDED = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'auxclick', 'dblclick', 'contextmenu'];
  // Only while a tap is awaited: a touch listener on window makes the browser lay out its touch regions anew.
  const TOUCH = ['touchstart', 'touchend'];
  const MOVES = ['pointermove', 'mousemove'];
  const CLICKS = new Set(['click', 'auxclick']);
  const LISTEN = { capture: true, passive: false };
  let armed = null;
  let tokens = 0;

  for (const type of GUARDED) addListener(globalThis.window || globalThis, type, onGuarded, LISTEN);

  function onGuarded(event) {
    const guard = armed;
    if (!guard || !event.isTrusted) return;
    if (guard.events.length < 64) guard.events.push(event.type);
    guard.last = event;
    const moving = MOVES.includes(event.type);
    if (moving ? guard.hover : event.type === 'pointerdown' || guard.passing === undefined) judge(guard, event);
    if (guard.passing === false && !moving) swallow(event);
    progress(guard, event);
  }
  // Each press decides for what follows it: the rest goes where the browser sends it, even if a handler re-renders the target.
  function judge(guard, event) {
    const path = event.composedPath();
    const hit = isElement(path[0]) ? path[0] : null;
    guard.passing = guard.force || (hit !== null && accepts(guard.target, hit));
    if (!guard.passing && !guard.missed) guard.missed = { hit };
    guard.judged = true;
  }
  function swallow(event) {
    event.stopImmediatePropagation();
    // Cancelling pointerdown would suppress mousedown, whose default action (focus, drop-downs) is what has to be stopped.
    if (!event.type.startsWith('pointer') && event.cancelable) event.preventDefault();
  }
  function progress(guard, event) {
    if (event.type === 'mouseup' || event.type === 'touchend') guard.releases++;
    if (CLICKS.has(event.type)) {
      guard.delivered++;
      if (guard.passing) { guard.clicks++; guard.clickEvent = event; }
    }
    guard.wake?.();
  }
  function arm(args) {
    const ready = prepare(args);
    return ready instanceof Promise ? ready.then((r) => install(r, args)) : install(ready, args);
  }
  function install(ready, args) {
    release(armed);
    const target = byRef(ready.ref);
    const hover = args.action === 'hover';
    const guard = { token: `g${++tokens}`, target, hover, force: !!args.force, passing: undefined, judged: false, missed: null,
      events: [], clicks: 0, delivered: 0, releases: 0, clickEvent: null, last: null, wake: null, changed: 0,
      before: observedState(target), url: D.url(doc), extra: hover ? MOVES : args.action === 'tap' ? TOUCH : [] };
    guard.observer = new MutationObserver((records) => { guard.changed += records.length; });
    guard.observer.observe(doc, { childList: true, attributes: true, characterData: true, subtree: true });
    const root = getRootNode(target);
    if (root !== doc && nodeType(root) === 11) guard.observer.observe(root, { childList: true, attributes: true, characterData: true, subtree: true });
    for (const type of guard.extra) addListener(globalThis.window || globalThis, type, onGuarded, LISTEN);
    // A runtime that went away must not leave the page guarded.
    guard.expiry = setTimeout(() => release(guard), args.armMs > 0 ? args.armMs : 30000);
    armed = guard;
    return { ...ready, token: guard.token };
  }
  function release(guard) {
    if (!guard || guard.done) return;
    guard.done = true;
    clearTimeout(guard.expiry);
    guard.changed += guard.observer.takeRecords().length;
    guard.observer.disconnect();
    for (const type of guard.extra) removeListener(globalThis.window || globalThis, type, onGuarded, LISTEN);
    if (armed === guard) armed = null;
    guard.wake?.();
  }
  function observedState(el) {
    const tag = localName(el);
    const value = tag === 'select' ? Array.from(el.selectedOptions, (o) => o.index).join() : tag === 'input' || tag === 'textarea' ? el.value : null;
    return { value, checked: checkedState(el), active: activeElement() };
  }
  function guardFor(token) {
    if (!armed || armed.token !== token) throw new Fail('internal', `no guard is armed under ${token}`);
    return armed;
  }
  const MISS_GRACE_MS = 200;
  const RELEASE_GRACE_MS = 60;
  async function verdict(args) {
    const ctx = session(args);
    const guard = guardFor(args.token);
    const deadline = performance.now() + (args.timeoutMs >= 0 ? args.timeoutMs : 1000);
    const expect = args.expect ?? 1;
    if (!delivered(guard, expect)) await untilDelivered(guard, expect, deadline);
    // A form is submitted in a task of its own, which the receipt has to see; without one, the handlers have run after the next.
    await (mayBeSubmitted(guard.target) ? queuedTasks() : nextTask());
    if (args.settle) await untilQuiet(guard, Math.min(deadline, performance.now() + 150));
    release(guard);
    freshCache();
    return withNext(ctx, verdictResult(guard, ctx));
  }
  function mayBeSubmitted(target) {
    for (let n = target; n; n = flatParent(n)) if (localName(n) === 'form') return true;
    const root = D.root(doc);
    return !!root && query(root, 'form') !== null;
  }
  // Until the last expected event was seen. After a miss, or a release that yields no click, a short grace lets the
  // rest of the batch arrive, so that none of it reaches the page after the guard is gone.
  async function untilDelivered(guard, expect, deadline) {
    let graceEnds = Infinity;
    while (!guard.done && !delivered(guard, expect)) {
      const now = performance.now();
      if (graceEnds === Infinity && guard.missed) graceEnds = now + MISS_GRACE_MS;
      if (expect > 0 && guard.releases >= expect && graceEnds > now + RELEASE_GRACE_MS) graceEnds = now + RELEASE_GRACE_MS;
      const left = Math.min(deadline, graceEnds) - now;
      if (left <= 0) return;
      await new Promise((done) => {
        const timer = setTimeout(done, left);
        guard.wake = () => { clearTimeout(timer); done(); };
      });
      guard.wake = null;
    }
  }
  function delivered(guard, expect) {
    if (expect === 0) return guard.hover ? guard.judged : guard.last !== null;
    return guard.delivered >= expect;
  }
  async function untilQuiet(guard, deadline) {
    let seen = -1;
    while (!guard.done && guard.changed !== seen && performance.now() < deadline) {
      seen = guard.changed;
      await sleep(20);
    }
  }
  function verdictResult(guard, ctx) {
    const gone = !isConnected(guard.target);
    const now = gone ? guard.before : observedState(guard.target);
    const hit = guard.missed?.hit;
    const missed = guard.missed ? { desc: hit ? covering(hit, ctx) : null, ref: hit ? refFor(hit, ctx) : null } : null;
    return { hit: guard.judged && !missed, missed, events: guard.events, clicks: guard.clicks, changed: guard.changed > 0,
      valueChanged: now.value !== guard.before.value || now.checked !== guard.before.checked, checked: now.checked,
      focusChanged: activeElement() !== guard.before.active, prevented: !!guard.clickEvent?.defaultPrevented,
      detached: gone, urlBefore: guard.url, urlAfter: D.url(doc) };
  }
  function disarm(args) {
    if (armed && (!args.token || armed.token === args.token)) release(armed);
    return {};
  }

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
    const ref = refFor(el, ctx);
    const type = localName(el) === 'input' ? el.type : null;
    if (type !== null && SET_TYPES.has(type)) return withNext(ctx, { ref, mode: setNative(el, type, value, ctx), before, value: el.value });
    if (type === 'number' && value !== '' && !Number.isFinite(Number(value))) {
      refuse('invalid_value', `${quote(value)} is no number`, el, ctx);
    }
    takeFocus(el, ctx);
    selectContents(el);
    const mode = value === '' && rawValue(el) === '' ? 'noop' : 'insert';
    return withNext(ctx, { ref, mode, before, value: isPassword(el) && value ? MASK : value });
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
  function readback(args) {
    const el = byRef(args.ref);
    if (!takesText(el)) throw new Fail('wrong_element_type', `a ${localName(el)} element takes no text`, { ref: args.ref });
    const raw = rawValue(el);
    const out = isPassword(el) || el.type === 'password' ? {} : { value: raw };
    if (args.expect !== undefined && args.expect !== null) {
      out.matches = raw === args.expect || lineEnds(raw) === lineEnds(String(args.expect));
      if (!out.matches && el.type === 'number') out.matches = raw !== '' && Number(raw) === Number(args.expect);
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
    return withNext(ctx, { ref: refFor(el, ctx), selected, changed });
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

  function checkState(args) {
    const ctx = session(args);
    const el = actionTarget({ locator: args.locator || { ref: args.ref } }, ctx, 'check');
    const checked = checkedState(el);
    if (checked === null) refuse('wrong_element_type', `a ${roleOf(el)} cannot be checked`, el, ctx);
    return withNext(ctx, { checked, kind: roleOf(el), ref: refFor(el, ctx) });
  }

  // ------------------------------------------------------------------ focus and scrolling
  function focus(args) {
    const ctx = session(args);
    const action = args.action || 'focus';
    const el = actionTarget(args, ctx, action);
    assertUsable(el, action, ctx, args.force);
    const before = activeElement();
    focusOn(isEditable(el) && !takesFocusItself(el) ? editingHost(el) : el, {});
    placeCaret(el, args.caret);
    const now = activeElement();
    const focused = !!now && (now === el || flatContains(now, el) && isEditable(el) || flatContains(el, now));
    return withNext(ctx, { ref: refFor(el, ctx), focused, moved: now !== before, info: elementInfo(el) });
  }
  const takesFocusItself = (el) => /^(input|textarea|select|button)$/.test(localName(el)) || hasAttr(el, 'tabindex') || isEditingHost(el);
  function placeCaret(el, caret) {
    if (!caret || !takesText(el)) return;
    if (caret === 'all') { selectContents(el); return; }
    if (/^(input|textarea)$/.test(localName(el))) {
      const at = caret === 'end' ? el.value.length : 0;
      // Number, e-mail and picker fields have no caret to place.
      try { el.setSelectionRange(at, at); } catch { /* the browser's own caret stays */ }
      return;
    }
    selectContents(el);
    const selection = D.getSelection(doc);
    if (selection?.rangeCount) caret === 'end' ? selection.collapseToEnd() : selection.collapseToStart();
  }
  function blur(args) {
    const ctx = session(args);
    const el = args.locator ? resolveOne(args.locator, ctx) : activeElement();
    const was = activeElement() === el;
    if (el && isHtml(el)) blurHtml(el);
    return withNext(ctx, { ref: el ? refFor(el, ctx) : null, blurred: was && activeElement() !== el });
  }
  function scrollToElement(args) {
    const ctx = session(args);
    const el = resolveOne(args.locator, ctx);
    assertUsable(el, 'scroll', ctx, false);
    const before = boxOf(el);
    const view = viewport();
    const whole = before.top >= 0 && before.left >= 0 && before.bottom <= view.h && before.right <= view.w && hasArea(before);
    if (!whole || args.always || !probe(el, el, null, false).point) scrollTo(el, args.block || 'center');
    const after = boxOf(el);
    return withNext(ctx, { ref: refFor(el, ctx), scrolled: !sameBox(before, after), box: rectJson(after), visible: isVisible(el) });
  }
  function scrollBy(args) {
    const ctx = session(args);
    const el = args.locator ? scroller(resolveOne(args.locator, ctx), args.dx || 0, args.dy || 0) : D.scrollingElement(doc) || D.root(doc);
    if (!el) throw new Fail('not_found', 'the document has no element');
    const at = () => ({ x: round(scrollLeft(el)), y: round(scrollTop(el)) });
    const before = at();
    scrollElementBy(el, { left: args.dx || 0, top: args.dy || 0, behavior: 'instant' });
    const after = at();
    return withNext(ctx, { before, after, moved: before.x !== after.x || before.y !== after.y });
  }
  // The element itself or the nearest ancestor that scrolls in the wanted direction.
  function scroller(el, dx, dy) {
    for (let n = el; n; n = flatParent(n)) {
      const style = styleOf(n);
      const can = (overflow, size, room) => /auto|scroll/.test(overflow) && size > room;
      if ((dy && can(style.overflowY, scrollHeight(n), clientHeight(n))) || (dx && can(style.overflowX, scrollWidth(n), clientWidth(n)))) return n;
    }
    return D.scrollingElement(doc) || D.root(doc);
  }

  // ------------------------------------------------------------------ waiting
  const STATES = {
    attached: (el) => !!el, visible: (el) => !!el && isVisible(el), hidden: (el) => !el || !isVisible(el), detached: (el) => !el,
    enabled: (el) => !!el && !isDisabled(el), disabled: (el) => !!el && isDisabled(el), editable: (el) => !!el && isWritable(el),
    checked: (el) => !!el && checkedState(el) === true, unchecked: (el) => !!el && checkedState(el) === false, focused: (el) => !!el && activeElement() === el,
  };
  const POLL_MS = 50;
  const MIN_GAP_MS = 10;
  async function waitFor(args) {
    const ctx = session(args);
    if (args.state && !Object.hasOwn(STATES, args.state)) throw new Fail('invalid_value', `unknown state ${args.state}`, { states: Object.keys(STATES) });
    const started = performance.now();
    const deadline = started + (args.timeoutMs >= 0 ? args.timeoutMs : 30000);
    const changes = changeSignal();
    try {
      for (;;) {
        const seen = lookFor(args, ctx);
        if (seen.met) return withNext(ctx, { ok: true, ref: seen.el ? refFor(seen.el, ctx) : null, waitedMs: Math.round(performance.now() - started) });
        const left = deadline - performance.now();
        if (left <= 0) timedOut(args, seen, ctx, performance.now() - started);
        await changes.next(Math.min(POLL_MS, left));
        freshCache();
      }
    } finally {
      changes.stop();
    }
  }
  function timedOut(args, seen, ctx, waited) {
    throw new Fail('timeout', `waited ${Math.round(waited)} ms for ${waitText(args)}`, { lastSeen: lastSeen(seen, ctx), next: ctx.next });
  }
  // Mutations wake the wait early; style changes and shadow trees are found by polling.
  function changeSignal() {
    let wake = null;
    let dirty = false;
    const observer = new MutationObserver(() => { dirty = true; wake?.(); });
    observer.observe(doc, { childList: true, attributes: true, characterData: true, subtree: true });
    const next = async (ms) => {
      await sleep(Math.min(MIN_GAP_MS, ms));
      if (!dirty && ms > MIN_GAP_MS) {
        await new Promise((done) => {
          const timer = setTimeout(done, ms - MIN_GAP_MS);
          wake = () => { clearTimeout(timer); done(); };
        });
        wake = null;
      }
      dirty = false;
    };
    return { next, stop: () => observer.disconnect() };
  }
  function lookFor(args, ctx) {
    if (args.url && !urlMatches(args.url, D.url(doc))) return { met: false, el: null, count: 0 };
    if (!args.locator && !args.text) return { met: true, el: null, count: 0 };
    const state = args.state || 'visible';
    const negative = state === 'hidden' || state === 'detached';
    const text = args.text && !args.locator;
    const locator = text ? { text: args.text } : args.locator;
    let found;
    try { found = resolveAll(locator); } catch (e) {
      if (!(negative && e instanceof Fail && e.code === 'stale_ref')) throw e;
      found = [];
    }
    if (args.text && args.locator) { const match = matcher(args.text, false); found = found.filter((el) => match(deepText(el, new Map()))); }
    if (negative) return { met: found.every((el) => STATES[state](el)), el: null, count: found.length, shown: found[0] };
    if (found.length > 1 && !text) resolveOne(locator, ctx);
    const el = found.find((candidate) => STATES[state](candidate)) || null;
    return { met: el !== null, el, count: found.length, shown: found[0] };
  }
  function lastSeen(seen, ctx) {
    const out = { count: seen.count, url: D.url(doc) };
    if (seen.shown && isConnected(seen.shown)) { out.state = stateOf(seen.shown); out.element = describe(seen.shown, ctx); }
    return out;
  }
  const waitText = (args) => [args.locator && locatorText(args.locator), args.text && `text ${quote(String(args.text))}`, args.url && `url ${cut(args.url)}`,
    args.state].filter(Boolean).join(', ');
  // `*` stands for anything but a slash, `**` for anything; without a star the pattern is a part of the URL.
  function urlMatches(pattern, url) {
    if (!pattern.includes('*')) return url.includes(pattern);
    const parts = pattern.split(/(\*+)/).map((p) => (p === '*' ? '[^/]*' : p.startsWith('**') ? '.*' : p.replace(/[\\^$+?.()|[\]{}]/g, '\\$&')));
    return new RegExp(`^${parts.join('')}$`).test(url);
  }

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
  const stats = () => ({ refs: elementByRef.size, highestRef, nodes: D.byTag(doc, '*').length, url: D.url(doc), title: D.title(doc),
    readyState: D.readyState(doc), armed: armed !== null });
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

  // ------------------------------------------------------------------ the way in
  const API = { snapshot, find, read, prepare, arm, verdict, disarm, fill, readback, select, checkState, focus, blur, scrollIntoView: scrollToElement,
    scrollBy, waitFor, point, adopt, describe: describeOne, box, boxes, stats, settle };
  const ok = (result) => JSON.stringify({ ok: result === undefined ? null : result });
  function failure(e) {
    const known = e instanceof Fail;
    const message = known ? e.message : `bridge: ${e && e.message ? e.message : String(e)}`;
    const err = { code: known ? e.code : 'internal', message, details: known ? e.details : {} };
    if (err.details.next === null || err.details.next === undefined) delete err.details.next;
    return JSON.stringify({ err });
  }
  function call(name, args, element) {
    // A popup's first document of its own keeps the window of the blank one before it: everything captured is stale.
    if (document !== doc) {
      delete globalThis.__odb;
      begin();
      return globalThis.__odb.call(name, args, element);
    }
    try {
      freshCache();
      if (!Object.hasOwn(API, name)) throw new Fail('internal', `unknown bridge function ${name}`);
      const result = API[name](args || {}, element);
      return result instanceof Promise ? result.then(ok).catch(failure) : ok(result);
    } catch (e) {
      return failure(e);
    } finally {
      freshCache();
    }
  }
  globalThis.__odb = Object.freeze({ version: '1', call });
})();

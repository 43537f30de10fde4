// The rest of the bridge. It defines all of `globalThis.__odb`, with `version`, and keeps an existing instance, refs included, when it
// is evaluated again.
// Calls that may hand out refs take `next` (first unused ref number) and return `next`; an error whose details name
// elements carries it as `details.next`. Without `next`, elements that have no number yet are described without one.
//
// It reaches forms and the document through captured accessors only, because `<input name=children>` shadows `form.children` in
// every world.
(function begin() {
  'use strict';
  const { start, ears, nextTask, stats, deafen, hear, hearTyped, version } = globalThis.__odb;
  if (version) return;

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
  // Where a browser shows closed roots to such worlds. Elsewhere the adapter hands over those that `hosts` asks about.
  const closedRoot = descriptor(Element.prototype, 'openOrClosedShadowRoot');
  const givenRoots = new WeakMap();
  let anyGiven = false;
  const openOrGiven = (el) => shadowRoot(el) || (anyGiven ? givenRoots.get(el) || null : null);
  const shadowOf = closedRoot ? uncurry(closedRoot.get) : openOrGiven;

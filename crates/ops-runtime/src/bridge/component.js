  // ------------------------------------------------------------------ an element with the styles that it was computed to have
  const INHERITED = set('azimuth border-collapse border-spacing caption-side caret-color color color-interpolation color-interpolation-filters color-scheme cursor direction dominant-baseline empty-cells fill fill-opacity fill-rule font-family font-feature-settings font-kerning font-optical-sizing font-palette font-size font-size-adjust font-stretch font-style font-synthesis font-synthesis-small-caps font-synthesis-style font-synthesis-weight font-variant font-variant-alternates font-variant-caps font-variant-east-asian font-variant-emoji font-variant-ligatures font-variant-numeric font-variant-position font-variation-settings font-weight forced-color-adjust hyphenate-character hyphenate-limit-chars hyphens image-orientation image-rendering interpolate-size letter-spacing line-break line-height list-style-image list-style-position list-style-type marker-end marker-mid marker-start math-depth math-shift math-style orphans overflow-wrap paint-order pointer-events print-color-adjust quotes ruby-align ruby-position shape-rendering speak stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width tab-size text-align text-align-last text-anchor text-autospace text-combine-upright text-decoration-skip-ink text-emphasis-color text-emphasis-position text-emphasis-style text-indent text-orientation text-rendering text-shadow text-size-adjust text-spacing-trim text-transform text-underline-offset text-underline-position text-wrap-mode text-wrap-style user-select visibility white-space-collapse widows word-break word-spacing writing-mode -webkit-font-smoothing -webkit-locale -webkit-text-fill-color -webkit-text-stroke-color -webkit-text-stroke-width');
  // Logical names of what physical ones say, and what says nothing about a picture that stands still.
  const NOT_COPIED = /^(?:(?:max-|min-)?(?:block|inline)-size|(?:margin|padding|inset|border|scroll-margin|scroll-padding|overflow|overscroll-behavior|contain-intrinsic)-(?:block|inline)|border-(?:start|end)-|animation|transition|will-change|perspective-origin|transform-origin|-webkit-(?:margin|padding|border)|-webkit-locale|scroll-|timeline-|view-|anchor-|position-try|app-region|-webkit-app-region|--)/;
  function initials() {
    // In a page of our own: an element that nothing styles tells what a property is when nobody says anything.
    const probe = doc.createElement('div');
    probe.style.cssText = 'all: initial !important; display: none !important';
    D.body(doc).append(probe);
    const style = styleOf(probe);
    const values = {};
    for (const name of style) if (!NOT_COPIED.test(name)) values[name] = style.getPropertyValue(name);
    values.display = 'inline';
    probe.remove();
    return values;
  }
  function cloneComponent(args) {
    const c = cloner(args.mark, args.first || 0);
    const top = resolveOne(args.locator, session(args));
    const base = baseOf(doc);
    const initial = args.initials;
    const names = Object.keys(initial);
    const classes = new Map();
    const rules = [];
    let cut = false;
    const values = (style) => { const found = {}; for (const name of names) found[name] = style.getPropertyValue(name); return found; };
    function declarations(own, parent) {
      const lines = [];
      for (const name of names) {
        const value = own[name];
        if (value === '' || value === undefined) continue;
        // What is of the text's colour unless somebody says otherwise.
        const ofText = name !== 'color' && initial[name] === initial.color;
        const plain = ofText ? own.color : INHERITED.has(name) && parent ? parent[name] : initial[name];
        if (value !== plain) lines.push(`${name}: ${c.css(value, base)};`);
      }
      return lines;
    }
    function classFor(lines, extra) {
      const body = lines.join('\n  ');
      const key = `${body}\u0000${extra}`;
      let name = classes.get(key);
      if (!name) {
        name = `c${classes.size + 1}`;
        classes.set(key, name);
        rules.push(`.${args.prefix} .${name}, .${args.prefix}.${name} {\n  ${body}\n}`);
        if (extra) rules.push(extra.split('&').join(`.${args.prefix} .${name}`));
      }
      return name;
    }
    function pseudos(el, own) {
      let text = '';
      for (const which of ['::before', '::after']) {
        const style = styleOf(el, which);
        const content = style.content;
        if (!content || content === 'none' || content === 'normal') continue;
        const lines = declarations(values(style), own);
        if (!lines.some((line) => line.startsWith('content:'))) lines.push(`content: ${c.css(content, base)};`);
        text += `&${which} {\n  ${lines.join('\n  ')}\n}\n`;
      }
      return text;
    }
    function element(el, parent) {
      const name = localName(el);
      if (isHtml(el) && (CLONE_DROPPED.has(name) || name === 'style' || name === 'link' || name === 'meta')) return '';
      const own = values(styleOf(el));
      if (own.display === 'none') return '';
      if (c.stats.elements >= args.most) { cut = true; return ''; }
      c.stats.elements += 1;
      if (isHtml(el) && name === 'slot') return kids(el, own);
      const marks = new Map();
      for (const { name: key, value } of attributesOf(el)) {
        const low = key.toLowerCase();
        if (low.startsWith('on') || low === 'class' || low === 'style' || CLONE_LEFT_OUT.has(low)) continue;
        if (low === 'src' && (name === 'iframe' || name === 'frame')) continue;
        if (low === 'src' || low === 'poster') { const at = c.fetched(value, base); if (at) marks.set(key, at); }
        else if (CLONE_ADDRESSES.has(low) && !value.startsWith('#')) { const whole = absoluteUrl(value, base); if (whole && !/^javascript:/i.test(whole)) marks.set(key, whole); }
        else marks.set(key, value);
      }
      let tag = name;
      if (isHtml(el)) {
        fieldState(el, name, marks);
        if (name === 'img' && el.currentSrc) { const at = c.fetched(el.currentSrc, base); if (at) marks.set('src', at); }
        if (name === 'canvas') { const data = pictureOf(el); if (data) { tag = 'img'; marks.set('src', data); } }
        if (name === 'iframe' || name === 'frame') { marks.delete('src'); marks.delete('srcdoc'); c.stats.missing.push({ url: el.src || 'iframe', reason: 'the content of frames is not part of a component' }); }
      }
      const style = classFor(declarations(own, parent), pseudos(el, own));
      const written = Array.from(marks, ([key, value]) => ` ${key}="${escapedAttr(value)}"`).join('');
      const open = `<${tag} class="${el === top ? `${args.prefix} ` : ''}${style}"${written}>`;
      if (tag === 'img' || isHtml(el) && CLONE_VOID.has(name)) return open;
      if (isHtml(el) && name === 'textarea') return `${open}\n${escapedText(isPassword(el) ? '' : el.value)}</textarea>`;
      return `${open}${kids(el, own)}</${tag}>`;
    }
    // What is seen of an element: its shadow root, and in a slot what was put there.
    function kids(el, own) {
      const shadow = shadowOf(el);
      let list = [];
      if (isHtml(el) && localName(el) === 'slot') list = el.assignedNodes();
      if (!list.length) for (let child = firstChild(shadow || el); child; child = nextSibling(child)) list.push(child);
      let text = '';
      for (const child of list) {
        if (isElement(child)) text += element(child, own);
        else if (nodeType(child) === 3) text += escapedText(nodeValue(child));
      }
      return text;
    }
    const html = element(top, null);
    if (!html) throw new Fail('not_visible', 'the element is not displayed: there is nothing to copy');
    const reset = `.${args.prefix}, .${args.prefix} *, .${args.prefix} *::before, .${args.prefix} *::after {\n  all: unset;\n}`;
    return { html: `${html}\n`, css: `${[reset, ...rules].join('\n')}\n`, cut, assets: c.assets, ...c.stats, hosts: noteHosts() };
  }

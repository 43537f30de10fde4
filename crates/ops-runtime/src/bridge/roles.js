  // ------------------------------------------------------------------ roles
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
  // What an `aside` without a name belongs to rather than to the page.
  const ASIDE_OWNERS = 'article,aside,nav,section,[role=article],[role=complementary],[role=navigation],[role=region]';
  const SECTIONING = 'article,aside,main,nav,section,[role=article],[role=complementary],[role=main],[role=navigation],[role=region]';

  const hasAriaName = (el) => !!(norm(attr(el, 'aria-label') || '') || (hasAttr(el, 'aria-labelledby') && labelledBy(el).length));
  const hasExplicitName = (el) => hasAttrs(el) && (hasAriaName(el) || !!norm(attr(el, 'title') || ''));
  const tableRole = (el) => { const t = closest(el, 'table'); return t ? roleOf(t) : 'table'; };
  const inTable = (role) => (el) => { const t = tableRole(el); return t === 'none' ? 'generic' : role; };
  const cellRole = (el) => { const t = tableRole(el); return t === 'none' ? 'generic' : t === 'grid' || t === 'treegrid' ? 'gridcell' : 'cell'; };
  const linkRole = (el) => (hasAttr(el, 'href') || hasAttr(el, 'xlink:href') ? 'link' : 'generic');
  const insideAny = (el, selector) => { const at = parentElement(el); return !!at && !!closest(at, selector); };
  const scopedTo = (role) => (el) => (insideAny(el, SECTIONING) ? 'generic' : role);

  const asideRole = (el) => (hasExplicitName(el) || !insideAny(el, ASIDE_OWNERS) ? 'complementary' : 'generic');

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
    return attr(el, 'alt') === '' && !hasAriaName(el) && !hasAttr(el, 'tabindex') ? 'none' : 'img';
  }
  function svgRole(el) {
    return hasAriaName(el) || query(el, ':scope > title') || attr(el, 'tabindex') ? 'img' : 'generic';
  }
  // Parts of a drawing are in the tree where their author names them.
  const drawingRole = (role) => (el) => (namespaceURI(el) === SVG_NS && (hasAriaName(el) || query(el, ':scope > title')) ? role : 'generic');
  function summaryRole(el) {
    const parent = parentElement(el);
    return parent && localName(parent) === 'details' && query(parent, ':scope > summary') === el ? 'button' : 'generic';
  }
  function listItemRole(el) {
    const parent = flatParent(el);
    return parent && roleOf(parent) === 'none' ? 'generic' : 'listitem';
  }
  const IMPLICIT = new Map(Object.entries({
    a: linkRole, area: linkRole, address: 'group', article: 'article', aside: asideRole, audio: 'audio', blockquote: 'blockquote',
    button: 'button', caption: 'caption', canvas: 'canvas', code: 'code', dd: 'definition', del: 'deletion', details: 'group', dfn: 'term',
    dialog: 'dialog', dir: 'list', dt: 'term', em: 'emphasis', embed: 'embed', fieldset: 'group', figure: 'figure', footer: scopedTo('contentinfo'),
    form: (el) => (hasExplicitName(el) ? 'form' : 'generic'), frame: 'iframe', g: drawingRole('group'), h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading',
    h5: 'heading', h6: 'heading', header: scopedTo('banner'), hgroup: 'group', hr: 'separator', html: 'document', iframe: 'iframe', image: drawingRole('img'), img: imageRole,
    input: inputRole, ins: 'insertion', legend: 'legend', li: listItemRole, main: 'main', mark: 'mark', math: 'math', menu: 'list',
    meter: 'meter', nav: 'navigation', object: 'object', ol: 'list', optgroup: 'group', option: 'option', output: 'status', p: 'paragraph',
    progress: 'progressbar', s: 'deletion', search: 'search', section: (el) => (hasExplicitName(el) ? 'region' : 'generic'),
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
      // Landmarks without a name would only be noise: the next word counts, or the element's own role.
      if ((raw === 'region' || raw === 'form') && !hasExplicitName(el)) continue;
      if (ARIA_ROLES.has(raw)) return canonicalRole(raw);
    }
    return null;
  }
  const ROLE_SYNONYMS = new Map(Object.entries({ image: 'img', directory: 'list' }));
  const canonicalRole = (role) => ROLE_SYNONYMS.get(role) || role;
  function roleOf(el) {
    let role = cache.role.get(el);
    if (role === undefined) {
      const value = hasAttrs(el) ? attr(el, 'role') : null;
      role = (value && explicitRole(el, value)) || implicitRole(el);
      cache.role.set(el, role);
    }
    return role;
  }

  // ------------------------------------------------------------------ clones: documents and elements that stand alone
  // What a clone needs from elsewhere is named by marks in its text, which the runtime replaces: `MARKu7;` by an address, `MARKs7;` by a
  // stylesheet's text, `MARKf7;` by the clone of the frame in the element with ref 7.
  const attributesOf = getter(Element, 'attributes');
  const baseOf = getter(Node, 'baseURI');
  const doctypeOf = getter(Document, 'doctype');
  const CLONE_VOID = set('area base br col embed hr img input link meta source track wbr');
  const CLONE_DROPPED = set('script noscript base template object embed applet portal');
  const CLONE_LINKS = set('preload modulepreload prefetch preconnect dns-prefetch prerender manifest import');
  const CLONE_ADDRESSES = set('href action formaction cite data background longdesc');
  const CLONE_LEFT_OUT = set('srcset sizes imagesizes imagesrcset integrity crossorigin nonce loading fetchpriority ping http-equiv is autoplay autofocus');
  const CSS_URL = /url\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^)"'\s]*))\s*\)/g;
  const escapedText = (s) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const escapedAttr = (s) => s.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
  const absoluteUrl = (url, base) => { try { return new URL(url, base).href; } catch (e) { return null; } };
  function cloner(mark, first) {
    const assets = [];
    const known = new Map();
    const stats = { elements: 0, shadowRoots: 0, missing: [] };
    const place = (kind, url) => {
      const key = `${kind} ${url}`;
      let n = known.get(key);
      if (n === undefined) { n = first + assets.length; known.set(key, n); assets.push({ n, kind, url }); }
      return `${mark}${kind === 'sheet' ? 's' : 'u'}${n};`;
    };
    const fetched = (url, base) => {
      const whole = absoluteUrl(url, base);
      if (!whole) return null;
      if (!/^(?:https?|blob|file):/i.test(whole)) return whole;
      const [address, fragment] = whole.split('#');
      return place('file', address) + (fragment && !/^blob:/i.test(whole) ? `#${fragment}` : '');
    };
    const css = (text, base) => text.replace(CSS_URL, (whole, a, b, c) => {
      const url = (a !== undefined ? a : b !== undefined ? b : c || '').replace(/\\(.)/g, '$1');
      if (!url || url.startsWith('#') || /^data:/i.test(url)) return whole;
      const at = fetched(url, base);
      return at ? `url("${at.replace(/"/g, '%22')}")` : whole;
    });
    function sheet(sheet, base) {
      let rules;
      const at = sheet.href || base;
      try { rules = sheet.cssRules; } catch (e) { rules = null; }
      if (!rules) return sheet.href ? place('sheet', sheet.href) : '';
      let text = '';
      for (const rule of rules) {
        if (typeof CSSImportRule === 'function' && rule instanceof CSSImportRule) {
          const inner = rule.styleSheet ? sheetOf(rule.styleSheet, at) : '';
          const media = rule.media && rule.media.mediaText;
          text += media ? `@media ${media} {\n${inner}}\n` : inner;
        } else {
          text += `${css(rule.cssText, at)}\n`;
        }
      }
      return text;
    }
    const sheetOf = sheet;
    // The end tag of the element that the text stands in would end it early.
    const inStyle = (text) => text.replace(/<\/(style)/gi, '<\\/$1');
    return { assets, stats, place, fetched, css, sheetOf, inStyle };
  }
  function fieldState(el, name, own) {
    if (name === 'input') {
      const type = (el.type || 'text').toLowerCase();
      if (type === 'password' || type === 'file') own.delete('value');
      else if (type === 'checkbox' || type === 'radio') { own.delete('checked'); if (el.checked) own.set('checked', ''); }
      else if (!isPassword(el) && typeof el.value === 'string') own.set('value', el.value);
      else own.delete('value');
    } else if (name === 'option') {
      own.delete('selected');
      if (el.selected) own.set('selected', '');
    } else if (name === 'details' || name === 'dialog') {
      if (el.open) own.set('open', ''); else own.delete('open');
    }
  }
  const pictureOf = (canvas) => { try { return HTMLCanvasElement.prototype.toDataURL.call(canvas); } catch (e) { return null; } };
  function clonePage(args) {
    const c = cloner(args.mark, args.first || 0);
    const root = D.root(doc);
    const base = baseOf(doc);
    const adoptedText = (where) => c.inStyle(Array.from((where === doc ? D.adopted(doc) : where.adoptedStyleSheets) || [], (sheet) => c.sheetOf(sheet, base)).join(''));
    function attributes(el, name) {
      const own = new Map();
      for (const { name: key, value } of attributesOf(el)) {
        const low = key.toLowerCase();
        if (low.startsWith('on') || CLONE_LEFT_OUT.has(low)) continue;
        // What a frame shows comes from its own clone.
        if (low === 'src' && (name === 'iframe' || name === 'frame')) continue;
        if (low === 'style') own.set(key, c.css(value, base));
        else if (low === 'src' || low === 'poster' || low === 'background' || (name === 'image' || name === 'use' || name === 'feImage') && (low === 'href' || low === 'xlink:href')) {
          if (value.startsWith('#')) own.set(key, value);
          else if (name === 'video' && low === 'src' || name === 'audio' || name === 'source' || name === 'track') own.set(key, absoluteUrl(value, base) || '');
          else { const at = c.fetched(value, base); if (at) own.set(key, at); }
        } else if (CLONE_ADDRESSES.has(low)) {
          if (value.startsWith('#')) own.set(key, value);
          else { const whole = absoluteUrl(value, base); if (whole && !/^javascript:/i.test(whole)) own.set(key, whole); }
        } else own.set(key, value);
      }
      return own;
    }
    const written = (own) => Array.from(own, ([key, value]) => ` ${key}="${escapedAttr(value)}"`).join('');
    function link(el, own) {
      const rel = (own.get('rel') || '').toLowerCase().split(/\s+/);
      if (rel.some((word) => CLONE_LINKS.has(word))) return '';
      if (rel.includes('stylesheet')) {
        if (rel.includes('alternate') || !el.sheet || el.disabled) return '';
        const media = own.get('media');
        return `<style${media ? ` media="${escapedAttr(media)}"` : ''}>${c.inStyle(c.sheetOf(el.sheet, base))}</style>`;
      }
      const raw = attr(el, 'href');
      if (rel.includes('icon') && raw) { const at = c.fetched(raw, base); if (at) own.set('href', at); }
      return `<link${written(own)}>`;
    }
    function element(el, depth) {
      const name = localName(el);
      if (CLONE_DROPPED.has(name) && isHtml(el)) return '';
      if (depth > 400) { c.stats.missing.push({ url: name, reason: 'nested too deeply' }); return ''; }
      c.stats.elements += 1;
      const own = attributes(el, name);
      if (isHtml(el)) {
        if (name === 'meta') {
          if (hasAttr(el, 'charset') || hasAttr(el, 'http-equiv')) return '';
          return `<meta${written(own)}>`;
        }
        if (name === 'link') return link(el, own);
        if (name === 'style') return el.sheet ? `<style${written(own)}>${c.inStyle(c.sheetOf(el.sheet, base))}</style>` : '';
        if (name === 'img') {
          if (el.currentSrc) { const at = c.fetched(el.currentSrc, base); if (at) own.set('src', at); }
          return `<img${written(own)}>`;
        }
        if (name === 'source' && localName(parentNode(el) || el) === 'picture') return '';
        if (name === 'canvas') {
          const data = pictureOf(el);
          if (data) { own.set('src', data); if (!own.has('alt')) own.set('alt', ''); return `<img${written(own)}>`; }
          c.stats.missing.push({ url: 'canvas', reason: 'its picture holds data of another origin' });
        }
        if (name === 'iframe' || name === 'frame') {
          own.delete('src'); own.delete('srcdoc'); own.delete('sandbox'); own.delete('allow');
          const n = refByElement.get(el);
          if (n) own.set('srcdoc', `${args.mark}f${n};`);
          return `<iframe${written(own)}></iframe>`;
        }
        fieldState(el, name, own);
        if (name === 'textarea') return `<textarea${written(own)}>\n${escapedText(isPassword(el) ? '' : el.value)}</textarea>`;
      }
      let text = `<${name}${written(own)}>`;
      if (isHtml(el) && CLONE_VOID.has(name)) return text;
      const shadow = shadowOf(el);
      if (shadow && isHtml(el)) {
        c.stats.shadowRoots += 1;
        const sheets = adoptedText(shadow);
        text += `<template shadowrootmode="${shadow.mode}"${shadow.delegatesFocus ? ' shadowrootdelegatesfocus' : ''}>`;
        text += `${sheets ? `<style>${sheets}</style>` : ''}${children(shadow, depth + 1)}</template>`;
      }
      return `${text}${children(el, depth + 1)}</${name}>`;
    }
    function children(node, depth) {
      let text = '';
      for (let child = firstChild(node); child; child = nextSibling(child)) {
        const type = nodeType(child);
        if (type === 1) text += element(child, depth);
        else if (type === 3 || type === 4) text += escapedText(nodeValue(child));
      }
      return text;
    }
    if (!root) return { html: '', assets: [], elements: 0, shadowRoots: 0, missing: [] };
    const shell = `<html${written(attributes(root, 'html'))}>`;
    const sheets = adoptedText(doc);
    let inner = children(root, 0);
    const head = `<meta charset="utf-8">${sheets ? `<style>${sheets}</style>` : ''}`;
    inner = inner.replace(/^\s*<head[^>]*>/, (tag) => `${tag}\n${head}`);
    const html = `${doctypeOf(doc) ? '<!doctype html>\n' : ''}${shell}${inner}</html>\n`;
    return { html, assets: c.assets, ...c.stats, hosts: noteHosts() };
  }
  // A stylesheet that was read from elsewhere, with the addresses in it marked.
  function cloneSheet(args) {
    const c = cloner(args.mark, args.first);
    const imports = /@import\s+(?:"([^"]*)"|'([^']*)')/g;
    const text = args.text.replace(imports, (whole, a, b) => `@import url("${a === undefined ? b : a}")`);
    return { text: c.inStyle(c.css(text, args.base)), assets: c.assets };
  }
  // The bytes behind an address, out of the cache where it has them.
  async function fetchAsset(args) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), args.timeoutMs);
    try {
      const response = await fetch(args.url, { cache: 'force-cache', signal: stop.signal });
      if (!response.ok) return { reason: `the server answers ${response.status}` };
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (bytes.length > args.max) return { reason: 'larger than what is left of the budget' };
      let text = '';
      for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
      return { type: response.headers.get('content-type') || '', data: btoa(text) };
    } catch (e) {
      return { reason: stop.signal.aborted ? 'it took too long' : 'the page may not read it, or it is gone' };
    } finally {
      clearTimeout(timer);
    }
  }


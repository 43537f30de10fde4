  // ------------------------------------------------------------------ whole documents, and labels on pictures
  const hostsOf = (root) => deepElements(root).filter((el) => shadowOf(el));
  function wholeHtml() {
    const root = D.root(doc);
    if (!root) return { html: '', shadowRoots: 0 };
    const roots = hostsOf(doc).map((el) => shadowOf(el));
    const doctype = doc.doctype ? `<!doctype ${doc.doctype.name}>\n` : '';
    const inner = typeof root.getHTML === 'function' ? root.getHTML({ serializableShadowRoots: true, shadowRoots: roots }) : innerHTML(root);
    const shell = outerHTML(root.cloneNode(false));
    const at = shell.lastIndexOf('</');
    const html = doctype + shell.slice(0, at) + inner + shell.slice(at);
    return { html: maskedFields(html), shadowRoots: typeof root.getHTML === 'function' ? roots.length : 0 };
  }
  function maskedFields(html) {
    for (const field of deepElements(doc).filter((el) => matches(el, 'input[type=password i][value]'))) {
      const own = outerHTML(field);
      html = html.split(own).join(own.replace(/(\svalue=")[^"]*"/, `$1${MASK}"`));
    }
    return html;
  }
  // Draws labels on a picture, outside of the document: the page can't see it.
  async function annotate(args) {
    const bytes = Uint8Array.from(atob(args.data), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: args.type }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const draw = canvas.getContext('2d');
    draw.drawImage(bitmap, 0, 0);
    const scale = bitmap.width / args.width;
    const size = Math.round(11 * scale);
    draw.font = `bold ${size}px monospace`;
    draw.textBaseline = 'top';
    const taken = [];
    for (const label of args.labels) {
      const box = { x: label.x * scale, y: label.y * scale, w: label.width * scale, h: label.height * scale };
      draw.lineWidth = Math.max(1, Math.round(1.5 * scale));
      draw.strokeStyle = '#d6006c';
      draw.strokeRect(box.x, box.y, box.w, box.h);
      const wide = draw.measureText(label.text).width + 4 * scale;
      const tag = labelSpot(box, wide, size + 4 * scale, canvas, taken);
      draw.fillStyle = '#d6006c';
      draw.fillRect(tag.x, tag.y, tag.w, tag.h);
      draw.fillStyle = '#ffffff';
      draw.fillText(label.text, tag.x + 2 * scale, tag.y + 2 * scale);
    }
    const blob = await canvas.convertToBlob({ type: args.type, quality: args.quality === null ? undefined : args.quality / 100 });
    return { type: blob.type, data: await base64(blob) };
  }
  // Without looking at the bytes: a world that is not the page's may not look at those that the page's classes made.
  function base64(blob) {
    return new Promise((done, failed) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
      reader.onerror = () => failed(reader.error);
      reader.readAsDataURL(blob);
    });
  }
  // At a corner of the box, on the picture, and not on another label where that can be helped.
  function labelSpot(box, w, h, canvas, taken) {
    const keep = (value, most) => Math.max(0, Math.min(value, most));
    const at = (x, y) => ({ x: keep(x, canvas.width - w), y: keep(y, canvas.height - h), w, h });
    const spots = [at(box.x, box.y - h), at(box.x, box.y), at(box.x + box.w - w, box.y - h), at(box.x, box.y + box.h), at(box.x + box.w, box.y)];
    const free = (spot) => taken.every((other) => spot.x + spot.w <= other.x || other.x + other.w <= spot.x || spot.y + spot.h <= other.y || other.y + other.h <= spot.y);
    const spot = spots.find(free) || spots[0];
    taken.push(spot);
    return spot;
  }
  // Sizes of the viewport and of the document, and how far it is scrolled.
  function extent() {
    const root = D.scrollingElement(doc) || D.root(doc);
    return { width: globalThis.innerWidth, height: globalThis.innerHeight, x: globalThis.scrollX, y: globalThis.scrollY,
      docWidth: root ? scrollWidth(root) : globalThis.innerWidth, docHeight: root ? scrollHeight(root) : globalThis.innerHeight };
  }

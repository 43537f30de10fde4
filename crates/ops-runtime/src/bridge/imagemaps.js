  // ------------------------------------------------------------------ image maps
  // An area has no box in Chromium, and that of its picture in Firefox: what takes the pointer for it is the picture, at a place in its shape.
  const isArea = (el) => localName(el) === 'area' && isHtml(el);
  // The picture that shows an area, if one does.
  function areaImage(el) {
    const map = closest(el, 'map');
    const name = map && (attr(map, 'name') || attr(map, 'id'));
    if (!name) return null;
    const root = getRootNode(el);
    const pictures = root === doc ? D.queryAll(doc, 'img[usemap]') : root.querySelectorAll('img[usemap]');
    // One that did not load shows its alternative text instead.
    const shows = (img) => attr(img, 'usemap') === `#${name}` && img.naturalWidth > 0 && checkVisibility(img, VISIBILITY_OPTIONS);
    return Array.from(pictures).find(shows) || null;
  }
  // Places inside the area, from the top left corner of the picture's box. Coordinates are pixels of the laid out content, before any
  // transform; Chromium counts them from the border's edge.
  function areaPlaces(el, img) {
    const at = shapeCenter((attr(el, 'shape') || 'rect').toLowerCase(), (attr(el, 'coords') || '').split(',').map(Number.parseFloat));
    const box = boxOf(img);
    // The default shape is all of the picture.
    if (!at) return [{ x: box.width / 2, y: box.height / 2 }];
    const style = styleOf(img);
    const inset = (side) => Number.parseFloat(style[`padding${side}`]) || 0;
    const scaleX = img.offsetWidth > 0 ? box.width / img.offsetWidth : 1;
    const scaleY = img.offsetHeight > 0 ? box.height / img.offsetHeight : 1;
    const within = { x: (at.x + clientLeft(img) + inset('Left')) * scaleX, y: (at.y + clientTop(img) + inset('Top')) * scaleY };
    return [within, { x: at.x * scaleX, y: at.y * scaleY }];
  }
  function shapeCenter(shape, c) {
    if (c.some(Number.isNaN)) return null;
    if (shape.startsWith('circ')) return c.length >= 3 ? { x: c[0], y: c[1] } : null;
    if (shape.startsWith('rect')) return c.length >= 4 ? { x: (c[0] + c[2]) / 2, y: (c[1] + c[3]) / 2 } : null;
    return shape.startsWith('poly') && c.length >= 6 ? insidePolygon(c) : null;
  }
  // The middle of the corners, or of three neighbours: whichever is farthest inside. Each simple polygon has such an ear.
  function insidePolygon(c) {
    const corners = [];
    for (let i = 0; i + 1 < c.length; i += 2) corners.push({ x: c[i], y: c[i + 1] });
    const next = (i, by = 1) => corners[(i + by) % corners.length];
    const middle = (points) => ({ x: points.reduce((sum, p) => sum + p.x, 0) / points.length, y: points.reduce((sum, p) => sum + p.y, 0) / points.length });
    const depth = (p) => Math.min(...corners.map((corner, i) => distance(p, corner, next(i))));
    const ears = corners.map((corner, i) => middle([corner, next(i), next(i, 2)]));
    const places = [middle(corners), ...ears].filter((p) => isInside(p, corners));
    return places.sort((a, b) => depth(b) - depth(a))[0] || null;
  }
  // From a point to a side.
  function distance(p, a, b) {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const along = Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
  }
  // By the sides that a ray to the right crosses.
  function isInside(p, corners) {
    let inside = false;
    corners.forEach((a, i) => {
      const b = corners[(i + 1) % corners.length];
      if ((a.y > p.y) !== (b.y > p.y) && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
    });
    return inside;
  }

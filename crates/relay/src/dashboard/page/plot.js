// Line plots as SVG: the newest value in words, a line for each series, and the same figures for those who can't see it.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 600;
const HEIGHT = 96;
const TOP = 6;

/** An SVG element with attributes. */
function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The first round number that is not below `value`. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999);
}

/** The runs of numbers between gaps, as lists of points in the plot's coordinates. */
function runs(values, max, slots) {
  const all = [];
  let run = null;
  values.forEach((value, index) => {
    if (value === null) { run = null; return; }
    if (!run) all.push(run = []);
    const place = slots - values.length + index;
    run.push([(place / Math.max(1, slots - 1)) * WIDTH, HEIGHT - (value / max) * (HEIGHT - TOP)]);
  });
  return all;
}

const path = (points) => points.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/**
 * Draws a plot into a figure. `series` is a list of {name, values}, oldest first, null for a gap; `slots` is how many values the whole
 * width holds, `since` what its left end is called.
 */
export function draw(figure, { title, series, slots, since, unit, format, least }) {
  const max = ceiling(Math.max(least, ...series.flatMap((one) => one.values.filter((value) => value !== null))));
  const newest = series[0].values.at(-1) ?? null;
  const told = series.map((one) => summary(one, unit, format)).join('. ');
  const picture = svg('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}. ${told}` });
  for (const share of [0, 0.5, 1]) {
    const y = HEIGHT - share * (HEIGHT - TOP);
    picture.append(svg('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y, y2: y }));
  }
  series.forEach((one, index) => {
    for (const run of runs(one.values, max, slots)) {
      const line = path(run.length > 1 ? run : [run[0], [run[0][0] + 2, run[0][1]]]);
      if (!index) picture.append(svg('path', { class: 'area', d: `${line}L${run.at(-1)[0].toFixed(1)} ${HEIGHT}L${run[0][0].toFixed(1)} ${HEIGHT}Z` }));
      picture.append(svg('path', { class: index ? 'line second' : 'line', d: line }));
    }
  });
  const caption = document.createElement('figcaption');
  const value = document.createElement('b');
  value.textContent = newest === null ? '–' : `${format(newest)} ${unit}`;
  caption.append(title, value);
  const axis = document.createElement('div');
  axis.className = 'axis';
  axis.setAttribute('aria-hidden', 'true');
  axis.append(...[since, `top ${format(max)} ${unit}`, 'now'].map((text) => Object.assign(document.createElement('span'), { textContent: text })));
  figure.replaceChildren(caption, picture, axis, ...(series.length > 1 ? [legend(series)] : []));
}

function legend(series) {
  const key = document.createElement('div');
  key.className = 'key';
  key.setAttribute('aria-hidden', 'true');
  series.forEach((one, index) => {
    const swatch = document.createElement('span');
    swatch.className = index ? 'swatch second' : 'swatch';
    key.append(swatch, one.name);
  });
  return key;
}

function summary(one, unit, format) {
  const known = one.values.filter((value) => value !== null);
  if (!known.length) return `${one.name}: nothing yet`;
  return `${one.name}: now ${one.values.at(-1) === null ? 'nothing' : `${format(one.values.at(-1))} ${unit}`}, at most ${format(Math.max(...known))} ${unit}`;
}

  // ------------------------------------------------------------------ performance
  // Entries that the browser has buffered; none where it does not know the type.
  function buffered(type, options) {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return null;
    return new Promise((done) => {
      const entries = [];
      const collector = new PerformanceObserver((list) => { entries.push(...list.getEntries()); });
      collector.observe({ type, buffered: true, ...options });
      // Buffered entries are handed out in a task of their own.
      setTimeout(() => { entries.push(...collector.takeRecords()); collector.disconnect(); done(entries); }, 60);
    });
  }
  // The worst window of shifts: at most 5 s long, with less than 1 s between two of them (web.dev/cls).
  function layoutShift(entries) {
    let worst = 0, sum = 0, first = 0, last = 0;
    for (const entry of entries.filter((shift) => !shift.hadRecentInput)) {
      const same = sum > 0 && entry.startTime - last < 1000 && entry.startTime - first < 5000;
      if (!same) { sum = 0; first = entry.startTime; }
      sum += entry.value;
      last = entry.startTime;
      worst = Math.max(worst, sum);
    }
    return worst;
  }
  function slowestInteraction(entries) {
    const byId = new Map();
    for (const entry of entries) if (entry.interactionId) byId.set(entry.interactionId, Math.max(byId.get(entry.interactionId) || 0, entry.duration));
    const times = [...byId.values()].sort((a, b) => b - a);
    return times.length ? times[Math.min(times.length - 1, Math.floor(times.length / 50))] : null;
  }
  function nameOfPainted(entry) {
    const el = entry.element;
    if (entry.url) return cut(entry.url);
    if (!el) return null;
    const id = attr(el, 'id');
    const names = (attr(el, 'class') || '').trim().split(/\s+/).filter(Boolean).slice(0, 3);
    return cut(`${localName(el)}${id ? `#${id}` : ''}${names.map((name) => `.${name}`).join('')}`);
  }
  const above = (value) => (value > 0 ? value : null);
  function navigationTiming(entry) {
    return {
      kind: entry.type, dnsMs: entry.domainLookupEnd, connectMs: entry.connectEnd, responseStartMs: entry.responseStart, responseEndMs: entry.responseEnd,
      domContentLoadedMs: above(entry.domContentLoadedEventEnd), loadMs: above(entry.loadEventEnd), transferBytes: entry.transferSize || 0,
    };
  }
  function resourceGroups() {
    const groups = new Map();
    for (const entry of performance.getEntriesByType('resource')) {
      const kind = entry.initiatorType || 'other';
      const group = groups.get(kind) || { kind, count: 0, transferBytes: 0, slowestMs: 0 };
      group.count += 1;
      group.transferBytes += entry.transferSize || 0;
      group.slowestMs = Math.max(group.slowestMs, entry.duration);
      groups.set(kind, group);
    }
    return [...groups.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1));
  }
  async function metrics() {
    const [paints, shifts, events, tasks] = await Promise.all([
      buffered('largest-contentful-paint'), buffered('layout-shift'), buffered('event', { durationThreshold: 16 }), buffered('longtask')]);
    const [navigation] = performance.getEntriesByType('navigation');
    const first = performance.getEntriesByName('first-contentful-paint')[0];
    const largest = paints && paints[paints.length - 1];
    const heap = performance.memory;
    return {
      url: D.url(doc),
      vitals: {
        ttfbMs: navigation ? above(navigation.responseStart) : null, fcpMs: first ? first.startTime : null, lcpMs: largest ? largest.startTime : null,
        lcpElement: largest ? nameOfPainted(largest) : null, cls: shifts ? layoutShift(shifts) : null, inpMs: events ? slowestInteraction(events) : null,
      },
      navigation: navigation ? navigationTiming(navigation) : null,
      resources: resourceGroups(), longTasks: tasks ? tasks.length : null, domNodes: D.byTag(doc, '*').length, heapBytes: heap ? heap.usedJSHeapSize : null,
    };
  }

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

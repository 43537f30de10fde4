  // ------------------------------------------------------------------ the way in
  const API = { snapshot, find, read, prepare, arm, verdict, disarm, watch, watched, under, fill, readback, select, choices, chosen, checkState, focus, blur, scrollIntoView: scrollToElement,
    scrollBy, waitFor, storage, metrics, wholeHtml, clonePage, cloneSheet, fetchAsset, initials, cloneComponent, extent, annotate, environment, knows, permissions, point, adopt, describe: describeOne, box, boxes, stats, settle, deafen, hear, typed };
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
      start();
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
  // For the adapter alone, which gives files to it: elements have no other way out.
  const element = (ref) => byRef(ref);
  globalThis.__odb = Object.freeze({ version: '1', doc, start, begin, ears, nextTask, stats, deafen, hear, hearTyped, call, hosts, reveal, element, enters });
})();

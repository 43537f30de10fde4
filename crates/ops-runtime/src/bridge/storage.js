  // ------------------------------------------------------------------ web storage
  const storeKey = method(Storage, 'key');
  const storeGet = method(Storage, 'getItem');
  const storeSet = method(Storage, 'setItem');
  const storeRemove = method(Storage, 'removeItem');
  const storeClear = method(Storage, 'clear');
  const storeLength = getter(Storage, 'length');
  function storeOf(area) {
    let store = null;
    try { store = area === 'session' ? globalThis.sessionStorage : globalThis.localStorage; } catch (e) { store = null; }
    if (!store) throw new Fail('no_storage', `the document ${cut(D.url(doc))} has no ${area} storage`, { url: cut(D.url(doc)) });
    return store;
  }
  function storage(args) {
    const store = storeOf(args.area);
    const origin = globalThis.origin;
    if (args.op === 'set') return { origin, stored: storeItems(store, args.items) };
    if (args.op === 'clear') {
      const before = storeLength(store);
      if (typeof args.name === 'string') storeRemove(store, args.name); else storeClear(store);
      return { origin, cleared: before - storeLength(store) };
    }
    const names = [];
    if (typeof args.name === 'string') names.push(args.name);
    else for (let i = 0; i < storeLength(store); i++) names.push(storeKey(store, i));
    const items = [];
    for (const name of names.sort()) {
      const value = storeGet(store, name);
      if (value !== null) items.push({ name, value });
    }
    return { origin, items };
  }
  function storeItems(store, items) {
    let stored = 0;
    for (const { name, value } of items) {
      try { storeSet(store, name, value); } catch (e) {
        throw new Fail('invalid_value', `the entry ${quote(name)} was not stored: ${e.name}`, { name: cut(name), reason: e.name, stored });
      }
      if (storeGet(store, name) !== value) throw new Fail('invalid_value', `the entry ${quote(name)} does not read back`, { name: cut(name), stored });
      stored += 1;
    }
    return stored;
  }

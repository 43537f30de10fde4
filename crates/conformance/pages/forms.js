'use strict';

const byId = (id) => document.getElementById(id);

for (const kind of ['input', 'change']) {
  byId('form').addEventListener(kind, ({ target }) => {
    const value = target.type === 'checkbox' ? target.checked : target.multiple && target.options ? [...target.selectedOptions].map((o) => o.value).join() : target.value;
    say(`${kind} ${target.name || target.id}: ${target.type === 'password' ? '•'.repeat(value.length) : value}`);
  });
}
byId('form').addEventListener('submit', () => did('submit'));

// As React does it: the node's own `value` remembers what code wrote, an input event that brings nothing new is ignored, and
// after every event the state is written back. Setting `value` and dispatching `input` therefore changes nothing.
function controlled(node, accept, show) {
  const native = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  let tracked = '';
  let state = '';
  Object.defineProperty(node, 'value', {
    configurable: true,
    get() { return native.get.call(this); },
    set(value) { tracked = String(value); native.set.call(this, value); },
  });
  node.addEventListener('input', () => {
    const now = native.get.call(node);
    if (now !== tracked) {
      tracked = now;
      state = accept(now, state);
      show(state);
    }
    if (native.get.call(node) !== state) node.value = state;
  });
}
controlled(byId('controlled'), (now) => now, (state) => { byId('controlled-state').textContent = state; say(`controlled: ${state}`); });
controlled(byId('no-digits'), (now, before) => (/\d/.test(now) ? before : now), (state) => say(`no-digits: ${state}`));

byId('phone').addEventListener('input', ({ target }) => {
  const d = target.value.replace(/\D/g, '').slice(0, 10);
  target.value = d.length > 6 ? `(${d.slice(0, 3)}) ${d.slice(3, 6)}-${d.slice(6)}` : d.length > 3 ? `(${d.slice(0, 3)}) ${d.slice(3)}` : d;
  say(`phone: ${target.value}`);
});
byId('editable').addEventListener('input', ({ target }) => say(`editable: ${target.textContent}`));

const FRUIT = ['Apple', 'Apricot', 'Banana', 'Cherry', 'Damson'];
function openList() {
  const wanted = byId('combo').value.toLowerCase();
  byId('combo-list').replaceChildren(...FRUIT.filter((name) => name.toLowerCase().includes(wanted)).map((name) => {
    const option = Object.assign(document.createElement('li'), { textContent: name, role: 'option' });
    option.addEventListener('mousedown', (event) => event.preventDefault());
    option.addEventListener('click', () => { byId('combo').value = name; closeList(); say(`fruit: ${name}`); });
    return option;
  }));
  byId('combo-list').hidden = false;
  byId('combo').setAttribute('aria-expanded', 'true');
}
function closeList() {
  byId('combo-list').hidden = true;
  byId('combo').setAttribute('aria-expanded', 'false');
}
byId('combo').addEventListener('focus', openList);
byId('combo').addEventListener('click', openList);
byId('combo').addEventListener('input', openList);
byId('combo').addEventListener('blur', closeList);
byId('combo').addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeList();
  if (event.key === 'Enter' && byId('combo-list').firstChild) byId('combo-list').firstChild.click();
});

byId('sizes').addEventListener('click', (event) => {
  const chosen = event.target.closest('[role=option]');
  if (!chosen) return;
  for (const option of byId('sizes').children) option.setAttribute('aria-selected', String(option === chosen));
  say(`size: ${chosen.textContent}`);
});
for (const id of ['fancy', 'lamp']) {
  const flip = () => {
    const on = byId(id).getAttribute('aria-checked') !== 'true';
    byId(id).setAttribute('aria-checked', String(on));
    say(`${id}: ${on}`);
  };
  byId(id).addEventListener('click', flip);
  byId(id).addEventListener('keydown', (event) => { if (event.key === ' ') { event.preventDefault(); flip(); } });
}

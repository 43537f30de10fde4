'use strict';

const byId = (id) => document.getElementById(id);

async function post(url, values) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(values) });
  return { ok: response.ok, answer: await response.json() };
}

function showCount(count) {
  byId('badge').textContent = count;
  document.querySelector('.cart').setAttribute('aria-label', `Cart, ${count} items`);
}

byId('add')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const { ok, answer } = await post(form.action, new FormData(form));
  byId('added').textContent = ok ? answer.message : answer.error;
  byId('added').classList.toggle('bad', !ok);
  if (ok) showCount(answer.count);
});

for (const form of document.querySelectorAll('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

for (const button of document.querySelectorAll('[data-helpful]')) {
  button.addEventListener('click', async () => {
    const { ok, answer } = await post('/shop/api/helpful', { slug: button.dataset.helpful, review: button.dataset.review });
    if (!ok) return;
    button.setAttribute('aria-pressed', 'true');
    button.nextElementSibling.textContent = `${answer.votes} found this helpful`;
  });
}

const MESSAGES = {
  email: 'Enter an email address like name@example.org.',
  name: 'Enter your name.',
  country: 'Choose a country.',
  terms: 'Accept the terms to order.',
};

function fieldProblem(field) {
  const blank = field.type !== 'checkbox' && !field.value.trim();
  return blank || !field.validity.valid ? MESSAGES[field.id] : '';
}

function mark(field) {
  const problem = fieldProblem(field);
  byId(`${field.id}-problem`).textContent = problem;
  if (problem) field.setAttribute('aria-invalid', 'true');
  else field.removeAttribute('aria-invalid');
  return problem;
}

byId('checkout')?.addEventListener('submit', (event) => {
  const fields = Object.keys(MESSAGES).map(byId);
  const wrong = fields.filter((field) => mark(field));
  if (!wrong.length) return;
  event.preventDefault();
  const list = document.createElement('ul');
  for (const field of wrong) {
    const link = Object.assign(document.createElement('a'), { href: `#${field.id}`, textContent: MESSAGES[field.id] });
    list.appendChild(document.createElement('li')).append(link);
  }
  const intro = Object.assign(document.createElement('p'), { textContent: 'Please check these:' });
  byId('problems').replaceChildren(intro, list);
  wrong[0].focus();
});

byId('checkout')?.addEventListener('input', (event) => {
  if (event.target.getAttribute('aria-invalid')) mark(event.target);
});

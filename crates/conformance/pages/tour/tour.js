'use strict';
const $ = (selector, within = document) => within.querySelector(selector);
// What the tests look for on the server's side.
const save = (kind, data) => fetch('/echo?kind=' + kind, { method: 'POST', keepalive: true, body: JSON.stringify(data) });

'use strict';

/** Tells the server, which keeps it even when the page is left at once. */
function report(id) {
  fetch(`/report?id=${encodeURIComponent(id)}`, { method: 'POST', keepalive: true });
}

/** Writes what happened: the last thing into #out, all of it into #log. */
function say(text) {
  document.getElementById('out').textContent = text;
  document.getElementById('log').textContent += `${text}\n`;
}

/** Both, for a click that matters. */
function did(id) {
  say(id);
  report(id);
}

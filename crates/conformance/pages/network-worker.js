'use strict';
fetch('/json').then((r) => r.json()).then((v) => postMessage(v.name), (e) => postMessage(e.name));

// What an unmodified playwright-core meets under the profile strict: argv is the proxy's HTTP address.
const assert = require('node:assert/strict');
const { chromium } = require('playwright-core');

(async () => {
  await assert.rejects(chromium.connectOverCDP(process.argv[2], { timeout: 5000 }), /Timeout 5000ms exceeded/);
  console.log('ok');
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

// What an unmodified playwright-core meets under the profile strict: argv is the proxy's HTTP address.
const assert = require('node:assert/strict');
const { chromium } = require('playwright-core');

(async () => {
  await assert.rejects(chromium.connectOverCDP(process.argv[2]), (error) => {
    assert.match(error.message, /relay_rate_limited/);
    assert.match(error.message, /30 messages a minute \(burst 5\) of the limits profile strict/);
    assert.match(error.message, /relayd --limits local/);
    return true;
  });
  console.log('ok');
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

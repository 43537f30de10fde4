// What an unmodified client meets under the profile strict: argv is the proxy's WebSocket address.
const assert = require('node:assert/strict');
const puppeteer = require('puppeteer-core');

(async () => {
  const browser = await puppeteer.connect({ browserWSEndpoint: process.argv[2] });
  const session = await browser.target().createCDPSession();
  const large = session.send('Runtime.evaluate', { expression: `"${'x'.repeat(345_000)}"` });
  await assert.rejects(large, (error) => {
    assert.match(error.message, /relay_payload_too_large/);
    assert.match(error.message, /131072 bytes/);
    assert.match(error.message, /limits profile strict/);
    return true;
  });
  await browser.disconnect();
  console.log('ok');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

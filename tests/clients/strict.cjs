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
  // Twenty at once: what can't go in time is refused by name, and only that.
  const many = Array.from({ length: 20 }, () => session.send('Browser.getVersion').catch((error) => error));
  const refused = await many.at(-1);
  assert.match(refused.message, /relay_rate_limited/);
  assert.match(refused.message, /30 messages a minute \(burst 5\) of the limits profile strict/);
  assert.match(refused.message, /send it again after \d+ ms/);
  assert.match((await many[0]).product, /Chrome/);
  await browser.disconnect();
  console.log('ok');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

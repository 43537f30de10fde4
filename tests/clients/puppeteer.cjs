// An unmodified puppeteer-core drives a page: argv is the proxy's WebSocket address, the site, and a file for the screenshot.
const assert = require('node:assert/strict');
const puppeteer = require('puppeteer-core');

const [address, site, picture] = process.argv.slice(2);

(async () => {
  const browser = await puppeteer.connect({ browserWSEndpoint: address, defaultViewport: { width: 800, height: 600 } });
  assert.match(await browser.version(), /^(Headless)?Chrome\//);
  const page = await browser.newPage();
  const answer = await page.goto(`${site}/pages/frames.html`, { waitUntil: 'load' });
  assert.equal(answer.status(), 200);
  assert.ok(page.frames().length >= 4, `frames: ${page.frames().length}`);
  const far = page.frames().find((frame) => frame.url().includes('/far.html'));
  assert.equal(await far.evaluate(() => location.pathname), '/pages/frames/far.html');
  await page.click('button');
  assert.match(await page.$eval('#out', (out) => out.textContent), /top/);

  await page.goto(`${site}/pages/forms.html`);
  await page.type('input[type=text], input:not([type])', 'héllo✓');
  assert.equal(await page.$eval('input[type=text], input:not([type])', (field) => field.value), 'héllo✓');
  const shot = await page.screenshot({ path: picture });
  assert.ok(shot.length > 1000);

  const second = await browser.newPage();
  await second.goto(`${site}/plain`);
  assert.ok((await browser.pages()).length >= 2);
  await second.close();
  const session = await page.createCDPSession();
  await assert.rejects(session.send('SystemInfo.getProcessInfo'), /relay_cdp_method_denied/);
  await page.close();
  await browser.disconnect();
  console.log('ok');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

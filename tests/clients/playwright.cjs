// An unmodified playwright-core drives a page over connectOverCDP: argv is the proxy's HTTP address, the site, and a file for the screenshot.
const assert = require('node:assert/strict');
const { chromium } = require('playwright-core');

const [address, site, picture] = process.argv.slice(2);

(async () => {
  const browser = await chromium.connectOverCDP(address);
  assert.equal(browser.contexts().length, 1);
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  const page = await context.newPage();
  const answer = await page.goto(`${site}/pages/frames.html`);
  assert.equal(answer.status(), 200);
  assert.ok(page.frames().length >= 4, `frames: ${page.frames().length}`);
  const far = page.frames().find((frame) => frame.url().includes('/far.html'));
  assert.equal(await far.evaluate(() => location.pathname), '/pages/frames/far.html');
  await page.locator('button').first().click();
  await page.locator('#out', { hasText: 'top' }).waitFor();

  await page.goto(`${site}/pages/forms.html`);
  const field = page.locator('input[type=text], input:not([type])').first();
  await field.fill('first');
  await field.press('End');
  await field.pressSequentially(' héllo✓');
  assert.equal(await field.inputValue(), 'first héllo✓');
  const shot = await page.screenshot({ path: picture });
  assert.ok(shot.length > 1000);

  const second = await context.newPage();
  await second.goto(`${site}/plain`);
  assert.equal(context.pages().length, 2);
  await second.close();
  await context.close();
  await browser.close();
  console.log('ok');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Visits every page of a portal in Chromium: nothing is complained of in its console, nobody is kept out (axe-core), in
// light, dark and on a phone; numbers move without a reload; all pages can be read without scripts.
//
// LINK signs in; CHROMIUM is the browser; DEVICE has a page; SHOTS is a folder for pictures. When `move` is printed,
// somebody else changes a twin.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { LINK, CHROMIUM, DEVICE, SHOTS } = process.env;
const origin = new URL(LINK).origin;
const pages = {
  fleet: "/",
  devices: "/devices",
  query: "/devices?where=" + encodeURIComponent("tags.site = 'oslo' AND connectionState = 'Connected'"),
  fault: "/devices?where=" + encodeURIComponent("tags.site == 'oslo'"),
  device: "/devices/" + encodeURIComponent(DEVICE),
  drift: "/drift",
  rollouts: "/rollouts",
};
const pictured = ["fleet", "devices", "device", "drift", "rollouts"];
const ways = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
};

// A page that complains of anything fails; what is said is kept.
function watched(page, complaints) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) complaints.push(request.url());
  });
  return page;
}

// What is wrong with any page: all of it is told at the end.
const wrong = [];

async function accessible(page, what) {
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, nodes } of found.violations) {
    for (const node of nodes) wrong.push(`${what}: ${id}: ${node.html} ${node.failureSummary}`);
  }
}

async function fits(page, what) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > room) wrong.push(`${what} is ${wide} wide on ${room}`);
}

async function visit(browser, state, way, name) {
  const complaints = [];
  const context = await browser.newContext({ ...ways[way], storageState: state });
  // As an extension would: the page's own policy lets no script in from elsewhere.
  await context.addInitScript(axe);
  const page = watched(await context.newPage(), complaints);
  const answer = await page.goto(origin + pages[name]);
  assert.equal(answer.status(), 200, name);
  if (name === "fleet") await page.waitForSelector("#chart canvas");
  const what = `${name}, ${way}`;
  if (SHOTS && (pictured.includes(name) && way === "light" || name === "fleet")) {
    await page.screenshot({ path: path.join(SHOTS, `${name}-${way}.png`) });
  }
  await fits(page, what);
  wrong.push(...complaints.map((one) => `${what}: ${one}`));
  await accessible(page, what);
  await context.close();
}

async function moves(browser, state) {
  const complaints = [];
  const context = await browser.newContext({ storageState: state });
  const page = watched(await context.newPage(), complaints);
  await page.goto(origin + "/");
  await page.evaluate(() => (window.same = true));
  const before = await page.locator('[data-count="edited"]').count();
  assert.equal(before, 0, "nothing is edited yet");
  // The order of focus: first of all, past what is on every page.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  console.log("move");
  await page.waitForSelector('[data-count="edited"]', { timeout: 60000 });
  assert.equal(await page.evaluate(() => window.same), true, "the page was not loaded again");
  assert.deepEqual(complaints, []);
  await context.close();
}

// Reading, and calling a method, with scripts switched off.
async function plain(browser, state) {
  const context = await browser.newContext({ storageState: state, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(origin + "/");
  assert.ok(await page.locator("#over-time").isVisible());
  for (const [name, part] of [["Devices", "table tbody tr"], ["Drift", "table"], ["Rollouts", "h2"]]) {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
    assert.ok((await page.locator(part).count()) > 0, name);
  }
  await page.goto(origin + pages.device);
  await page.getByLabel("Method", { exact: true }).fill("windows.rebootAsync");
  await page.getByRole("button", { name: "Call" }).click();
  assert.match(await page.getByRole("alert").innerText(), /type its name/);
  await page.getByLabel("Method", { exact: true }).fill("twinops*recheck");
  await page.getByRole("button", { name: "Call" }).click();
  assert.match(await page.locator(".answer").innerText(), /answered\s+200/);
  await page.getByRole("button", { name: "Sign out" }).click();
  assert.equal((await page.goto(origin + "/")).status(), 401);
  await context.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--force-device-scale-factor=1"] });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(LINK);
    assert.equal(page.url(), origin + "/");
    const state = await context.storageState();
    await context.close();
    await moves(browser, state);
    for (const way of Object.keys(ways)) {
      for (const name of Object.keys(pages)) await visit(browser, state, way, name);
    }
    await plain(browser, state);
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Opens one HTML file in headless Chromium and prints what a strict reader would find, as JSON:
//   node check.mjs report.html [folder for screenshots and the printed page]
// The browser's path is taken from the environment variable CHROMIUM.
import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const VIEWS = [
  { name: "1280-light", width: 1280, height: 900, scheme: "light", axe: true },
  { name: "1280-dark", width: 1280, height: 900, scheme: "dark", axe: true },
  { name: "390-light", width: 390, height: 844, scheme: "light", axe: true },
  { name: "390-dark", width: 390, height: 844, scheme: "dark", axe: true },
  { name: "360-light", width: 360, height: 740, scheme: "light", axe: false },
];

const address = pathToFileURL(resolve(process.argv[2])).href;
const folder = process.argv[3];
if (folder) mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS,
});
const report = { requests: [], problems: [], views: {} };
try {
  for (const view of VIEWS) {
    const page = await open(view);
    report.views[view.name] = await page.evaluate(look);
    report.views[view.name].axe = view.axe ? await accessibility(page) : [];
    if (view.name === "1280-light") {
      Object.assign(report, await page.evaluate(read));
      report.fonts = await fonts(page);
      report.wideTexts = await page.evaluate(shownTexts);
    }
    if (view.name === "390-light") {
      report.fontsNarrow = await fonts(page);
      report.narrowTexts = await page.evaluate(shownTexts);
    }
    if (folder) await page.screenshot({ path: join(folder, `${view.name}.png`), fullPage: true });
    if (folder && view.name === "1280-light") {
      await page.pdf({ path: join(folder, "print.pdf"), format: "A4", printBackground: true });
    }
    await page.context().close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

// Open the file as a reader with that screen would; note requests, errors and refusals.
async function open({ width, height, scheme }) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) {
      report.requests.push(request.url());
    }
  });
  page.on("console", (entry) => report.problems.push(entry.text()));
  page.on("pageerror", (error) => report.problems.push(String(error)));
  await page.goto(address, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  return page;
}

// What axe-core finds serious or critical.
async function accessibility(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => ({
      id, help, count: nodes.length, where: nodes.slice(0, 5).map((node) => node.target.join(" ")),
    }));
}

// The page itself, whatever the screen.
function read() {
  const texts = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
  return {
    lang: document.documentElement.lang,
    title: document.title,
    scripts: document.scripts.length,
    text: document.body.innerText,
    headings: texts("h1, h2, h3"),
    captions: texts("figcaption, caption"),
    charts: [...document.querySelectorAll("svg")].map((svg) => ({
      role: svg.getAttribute("role"),
      name: svg.getAttribute("aria-label") ?? svg.querySelector("title, desc")?.textContent ?? "",
      texts: [...svg.querySelectorAll("text")].map((text) => text.textContent),
    })),
    loadedFonts: [...document.fonts].filter((f) => f.status === "loaded").map((f) => f.family),
  };
}

// The texts of the charts that show on this screen.
function shownTexts() {
  return [...document.querySelectorAll("svg")]
    .filter((svg) => svg.getBoundingClientRect().width)
    .flatMap((svg) => [...svg.querySelectorAll("text")].map((text) => text.textContent));
}

// How the page stands on this screen: its width, and the texts of the charts that show.
function look() {
  const view = {
    scrollWidth: document.documentElement.scrollWidth,
    width: document.documentElement.clientWidth,
    smallestChartText: Infinity, cut: [], overlapping: [],
  };
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue; // the drawing for another screen
    const scale = frame.width / svg.viewBox.baseVal.width;
    const shown = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim());
    const boxes = shown.map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    for (const text of shown) {
      const size = parseFloat(getComputedStyle(text).fontSize) * scale;
      view.smallestChartText = Math.min(view.smallestChartText, size);
    }
    for (const { text, box } of boxes) {
      const over = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top,
        box.bottom - frame.bottom);
      if (over > 3) view.cut.push(text);
    }
    boxes.forEach((one, i) => boxes.slice(i + 1).forEach((other) => {
      const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      // boxes of lines hold air above and below the letters
      if (across > 2 && down > 0.35 * Math.min(one.box.height, other.box.height)) {
        view.overlapping.push([one.text, other.text]);
      }
    }));
  }
  view.smallestChartText = Number.isFinite(view.smallestChartText) ? view.smallestChartText : null;
  return view;
}

// Which texts are not drawn by a font that the page carries: of charts all of them, of the rest
// those with Chinese, Japanese or Korean characters.
async function fonts(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("DOM.enable");
  await client.send("CSS.enable");
  const { root } = await client.send("DOM.getDocument", { depth: -1 });
  const result = { checked: 0, foreign: [] };
  const wide = /[\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]/g;
  const hidden = new Set(["HEAD", "STYLE", "SCRIPT", "TITLE", "DESC", "TEMPLATE"]);
  for (const node of elements(root)) {
    if (hidden.has(node.nodeName.toUpperCase())) continue;
    const own = (node.children ?? []).filter((c) => c.nodeType === 3).map((c) => c.nodeValue).join("");
    const inChart = node.inChart && own.trim();
    const needed = inChart ? own.replace(/\s/g, "").length : (own.match(wide) ?? []).length;
    if (!needed) continue;
    const { fonts } = await client.send("CSS.getPlatformFontsForNode", { nodeId: node.nodeId });
    if (!fonts.length) continue; // not drawn on this screen
    result.checked += 1;
    const count = (own_) => fonts.filter((f) => f.isCustomFont === own_)
      .reduce((sum, f) => sum + f.glyphCount, 0);
    if (inChart ? count(false) > 0 : count(true) < needed) {
      const names = fonts.map((f) => f.familyName).join(", ");
      result.foreign.push({ text: own.trim().slice(0, 80), fonts: names });
    }
  }
  return result;
}

function* elements(node, inChart = false) {
  const chart = inChart || node.nodeName === "svg";
  if (node.nodeType === 1) yield Object.assign(node, { inChart: chart });
  for (const child of node.children ?? []) yield* elements(child, chart);
}

// How long ago each moment was, by the reader's clock; a filter over the rows.
(() => {
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, {numeric: "always"});
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
for (const time of document.querySelectorAll("time[datetime]")) {
const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
const unit = units.find(([, size]) => seconds >= size);
if (!unit) continue;
const age = document.createElement("span");
age.className = "age";
age.textContent = words.format(-Math.floor(seconds / unit[1]), unit[0]);
time.after(" ", age);
}
const form = document.querySelector(".filter");
if (!form) return;
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
const rows = [...document.querySelectorAll("tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
const shown = form.querySelector("output");
form.querySelector("input").addEventListener("input", (event) => {
const wanted = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
let count = 0;
for (const [row, text] of rows) {
row.hidden = !wanted.every((word) => text.includes(word));
count += !row.hidden;
}
shown.textContent = wanted.length ? count + " / " + rows.length : "";
for (const part of document.querySelectorAll("section.kind")) {
part.hidden = !part.querySelector("tbody tr:not([hidden])");
}
});
})();

// Makes the documentation handier: search as you type, copy buttons, a closed menu on phones.
// Without it every page is whole.
"use strict";

const root = document.body.dataset.root;
const ending = document.body.dataset.ending;
const narrow = window.matchMedia("(max-width: 52rem)");

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = element("textarea", { value: text, className: "hidden" });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

for (const block of document.querySelectorAll("pre[data-copy]")) {
  const button = element("button", { type: "button", className: "copy", textContent: "Copy" });
  button.setAttribute("aria-label", `Copy: ${block.getAttribute("aria-label")}`);
  button.addEventListener("click", async () => {
    try {
      await copy(block.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not copied";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const around = element("div", { className: "block" });
  block.replaceWith(around);
  around.append(block, button);
}

// A format or a language that a link leads to is opened.
function open() {
  const sought = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (sought instanceof HTMLDetailsElement) sought.open = true;
}
window.addEventListener("hashchange", open);
open();

const menu = document.querySelector(".menu");
const fold = () => { menu.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();

const form = document.querySelector(".find");
const input = form.elements.q;
const found = document.getElementById("found");
form.hidden = false;

function matches(words) {
  const sought = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!sought.length) return [];
  const has = (text) => sought.every((word) => text.includes(word));
  const all = window.PORTAL_ENTRIES.filter((entry) => has(entry.words));
  const first = all.filter((entry) => has(entry.title.toLowerCase()));
  return [...first, ...all.filter((entry) => !first.includes(entry))].slice(0, 12);
}

function show() {
  const entries = matches(input.value);
  found.replaceChildren(...entries.map((entry) => element(
    "a",
    { href: `${root}${entry.path}${ending}` },
    element("strong", { textContent: entry.title }),
    element("span", { className: "quiet", textContent: entry.about }),
  )));
  if (!entries.length) found.textContent = "Nothing has all of these words.";
  found.hidden = !input.value.trim();
}

input.addEventListener("input", show);
form.addEventListener("submit", (event) => {
  const first = found.querySelector("a");
  // The server shows a page of results; from a disk the first result is opened.
  if (ending && first) location.href = first.href;
  if (ending) event.preventDefault();
});
form.addEventListener("keydown", (event) => {
  const links = [...found.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "Escape") { found.hidden = true; input.focus(); }
  if (event.key === "ArrowDown" && links.length) { (links[at + 1] ?? links[0]).focus(); event.preventDefault(); }
  if (event.key === "ArrowUp" && at >= 0) { (links[at - 1] ?? input).focus(); event.preventDefault(); }
});
document.addEventListener("click", (event) => { if (!form.contains(event.target)) found.hidden = true; });

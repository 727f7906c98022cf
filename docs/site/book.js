// book.js: what a page can do beside being read: the theme, the search, progress, and the pieces with which
// to play: the bytes of a dump, the power cut. Without it every page can still be read.
"use strict";
const own = document.currentScript.dataset, page = document.body.dataset.page || "", $ = (s, e = document) => e.querySelector(s), all = (s, e = document) => [...e.querySelectorAll(s)];
const kept = {
    get(key) { try { return localStorage.getItem("strata-" + key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem("strata-" + key, value); } catch { /* a browser that keeps nothing */ } },
};
function make(tag, attributes = {}, ...inside) {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) name.startsWith("on") ? e.addEventListener(name.slice(2), value) : e.setAttribute(name, value);
    e.append(...inside);
    return e;
}

// ---- Theme: the system's, until the switch is used ----------------------------------------------
const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
function theme() {
    root.dataset.theme = kept.get("theme") || (dark.matches ? "dark" : "light");
    $("#theme").textContent = root.dataset.theme === "dark" ? "light" : "dark";
    $("#theme").setAttribute("aria-label", `Switch to ${$("#theme").textContent} colours`);
    all("iframe").forEach(frame_theme);
}
function frame_theme(frame) { // a page of strata timeline: it has a switch of its own
    const button = frame.contentDocument?.getElementById("theme"); // none before it is loaded
    const at = frame.contentDocument?.documentElement?.dataset.theme || (dark.matches ? "dark" : "light");
    if (at !== root.dataset.theme) button?.click();
}
theme();
for (const frame of all("iframe")) frame.addEventListener("load", () => frame_theme(frame));
dark.addEventListener("change", theme);
$("#theme").addEventListener("click", () => { kept.set("theme", $("#theme").textContent); theme(); });

// ---- Contents: open where there is room; the place in the page ----------------------------------
const side = $(".side"), wide = matchMedia("(min-width: 1000px)");
if (side) {
    const fit = () => { side.open = wide.matches; };
    fit();
    wide.addEventListener("change", fit);
    for (const a of all("nav li a", side)) if (a.pathname === location.pathname && !a.closest(".toc")) a.setAttribute("aria-current", "page");
    const heads = all("main h2[id]");
    const here = () => {
        const at = heads.filter((h) => h.getBoundingClientRect().top < 140).at(-1);
        for (const a of all(".toc a", side)) a.toggleAttribute("aria-current", Boolean(at) && a.getAttribute("href") === "#" + at.id);
    };
    addEventListener("scroll", here, { passive: true });
    here();
}

// ---- Tables that are wider than the page: Tab reaches them, and the arrow keys move them -----------
function reach() { for (const e of all(".scroll")) e.scrollWidth > e.clientWidth ? e.setAttribute("tabindex", "0") : e.removeAttribute("tabindex"); }
addEventListener("resize", reach);
reach();

// ---- Search: the index is a script, as a page opened from a file may read no other file ----------
const input = $("#search"), found = $("#found");
let entries = null;
globalThis.found_in = (list) => { entries = list; search(); };
function excerpt(text, word) {
    const at = Math.max(0, text.toLowerCase().indexOf(word)), from = Math.max(0, at - 60), p = make("p");
    const hit = text.toLowerCase().indexOf(word) < 0 ? 0 : word.length;
    p.append((from ? "… " : "") + text.slice(from, at), make("mark", {}, text.slice(at, at + hit)), text.slice(at + hit, at + 110) + " …");
    return p;
}
function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.hidden = !words.length;
    if (!words.length || !entries) return;
    const ranked = [];
    for (const [url, heading, text] of entries) {
        const h = heading.toLowerCase(), t = text.toLowerCase();
        if (!words.every((w) => h.includes(w) || t.includes(w))) continue;
        ranked.push([words.reduce((sum, w) => sum + (h.includes(w) ? 20 : 0) + Math.min(9, t.split(w).length), /^docs\/\d/.test(url) ? 5 : 0), url, heading, text]);
    }
    ranked.sort((a, b) => b[0] - a[0]);
    found.replaceChildren(make("p", {}, ranked.length ? `${ranked.length} sections` : "nothing found"),
        ...ranked.slice(0, 20).map(([, url, heading, text]) => make("div", {}, make("a", { href: own.root + url }, heading), excerpt(text, words[0]))));
}
if (input) {
    input.addEventListener("focus", () => { if (entries === null) { entries = undefined; document.head.append(make("script", { src: own.root + "search.js" })); } });
    input.addEventListener("input", search);
    found.addEventListener("click", (e) => { if (e.target.closest("a")) found.hidden = true; });
    addEventListener("keydown", (e) => {
        if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(e.target.tagName)) { e.preventDefault(); input.focus(); }
        if (e.key === "Escape") { found.hidden = true; if (found.contains(document.activeElement)) input.focus(); }
    });
}

// ---- Progress: which chapters were read ----------------------------------------------------------
const read = new Set((kept.get("read") || "").split(" ").filter(Boolean)), chapters = [];
function mark(url, is) {
    is ? read.add(url) : read.delete(url);
    kept.set("read", [...read].join(" "));
    progress();
}
function progress() {
    for (const a of all(".side nav:not(.toc) a")) a.classList.toggle("read", read.has(a.getAttribute("href").replace(own.root, "")));
    const bar = $(".progress progress");
    if (!bar) return;
    const n = chapters.filter((c) => read.has(c)).length;
    bar.max = chapters.length;
    bar.value = n;
    $(".progress span").textContent = `${n} of ${chapters.length} chapters read`;
}
if (page === "index.html") {
    for (const a of all("main table:first-of-type td:first-child a")) {
        const url = a.getAttribute("href"), box = make("input", { type: "checkbox", "aria-label": `${a.textContent} is read` });
        if (chapters.includes(url)) continue;
        chapters.push(url);
        box.checked = read.has(url);
        box.addEventListener("change", () => mark(url, box.checked));
        a.before(box);
    }
    $("main .scroll")?.before(make("div", { class: "progress" }, make("span"), make("progress", { "aria-label": "Chapters read" })));
} else if (/^docs\/\d\d_/.test(page)) {
    const box = make("input", { type: "checkbox" });
    box.checked = read.has(page);
    box.addEventListener("change", () => mark(page, box.checked));
    $(".turn").before(make("p", { class: "done" }, make("label", {}, box, " I have read this chapter")));
}
progress();

// ---- The bytes of a dump: each belongs to a field -----------------------------------------------
function fields(text) {
    const list = [], lines = text.split("\n");
    let file = 0, part = "";
    lines.forEach((line, i) => {
        const m = /^ +(\d+)  ((?:[0-9a-f]{2} ?)+?)(?: {2,}(.*))?$/.exec(line);
        if (/^\$ /.test(line)) file++;
        if (!m) { part = /@\d+$/.test(line) ? line.trim() : part; return; }
        const bytes = m[2].trim().split(" ");
        if (!m[3] && list.length) return list.at(-1).bytes.push(...bytes), list.at(-1).lines.push(i); // it goes on
        list.push({ file, part, at: Number(m[1]), bytes, text: m[3] || "", lines: [i] });
    });
    return { list, lines };
}
function dump(pre) {
    const { list, lines } = fields(pre.textContent);
    if (list.length < 3) return;
    const grid = make("div", { class: "grid", tabindex: "0", role: "application", "aria-label": "Bytes of the file; arrow keys move, and the field is shown below" });
    const out = make("output", { "aria-live": "polite" }, "Point at a byte, or come here with Tab and use the arrow keys: its field is shown here and below."), cells = [];
    const rows = lines.map((line) => make(line.startsWith("$ ") ? "b" : "span", {}, line + "\n"));
    $("code", pre).replaceChildren(...rows);
    let here = -1, at = null;
    const per = matchMedia("(max-width: 600px)").matches ? 8 : 16; // bytes a row
    grid.style.setProperty("--per", per);
    list.forEach((field, n) => {
        if (n && field.file !== list[n - 1].file) at = null;
        field.bytes.forEach((byte, k) => {
            const offset = field.at + k;
            if (at !== offset) grid.append(make("span", { class: "at", style: `grid-column:1` }, String(offset)));
            else if (offset % per === 0) grid.append(make("span", { class: "at" }, String(offset)));
            const cell = make("i", { style: `grid-column:${2 + offset % per}` }, byte);
            if (n % 2) cell.classList.add("odd");
            cell.dataset.n = cells.length;
            cells.push({ cell, field, offset });
            grid.append(cell);
            at = offset + 1;
        });
    });
    function show(i) {
        if (i < 0 || i >= cells.length) return;
        here = i;
        const { field, offset } = cells[i];
        for (const c of cells) { c.cell.classList.toggle("on", c.field === field); c.cell.classList.toggle("here", c === cells[i]); }
        rows.forEach((row, k) => row.classList.toggle("on", field.lines.includes(k)));
        const [name, ...meaning] = field.text.split(/ {2,}/);
        out.replaceChildren(make("b", {}, name), ` ${meaning.join(" ")}`, make("br"), `byte ${offset}, one of ${field.bytes.length} from ${field.at}; in ${field.part}`);
    }
    grid.addEventListener("pointerover", (e) => { if (e.target.dataset.n) show(Number(e.target.dataset.n)); });
    grid.addEventListener("keydown", (e) => {
        const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: per, ArrowUp: -per, Home: -cells.length, End: cells.length }[e.key];
        if (by) { e.preventDefault(); show(here < 0 && by < cells.length ? 0 : Math.max(0, Math.min(cells.length - 1, here + by))); cells[here].cell.scrollIntoView({ block: "nearest", inline: "nearest" }); }
    });
    rows.forEach((row, k) => row.addEventListener("pointerover", () => show(cells.findIndex((c) => c.field.lines.includes(k)))));
    pre.before(make("div", { class: "bytes" }, grid, out));
}
all("pre.dump").forEach(dump);

// ---- The power cut: what strata crash printed ---------------------------------------------------
// Operations, of each its calls, of each the states that a crash there may leave.
function walk(text) {
    const steps = [];
    let operation = "";
    for (const line of text.replace(/\n +<- /g, "  <- ").split("\n").slice(2)) {
        const m = /^  (\S+ \S+) +(\d+)  (?:([\d-]+ of \d+))? +(.*?): (.*?)(?:  <- (.*))?$/.exec(line);
        if (!m) { operation = line.split(/ {2,}/)[0]; continue; }
        const [, call, count, came, verdict, what, left] = m;
        if (!/^(put|delete|close)/.test(operation)) continue;
        if (!steps.length || steps.at(-1).call !== call || steps.at(-1).operation !== operation) steps.push({ operation, call, states: [] });
        steps.at(-1).states.push({ count, came, verdict, what, left: left || "all of it" });
    }
    return steps;
}
const models = { kill: "kill -9", ordered: "power cut, names in order", posix: "power cut, as POSIX allows" };
function power_cut(section, number) {
    const steps_of = Object.fromEntries(all("template", section).map((t) => [t.dataset.model, walk(t.content.textContent)]));
    const choice = make("fieldset", { "aria-label": "What happens" }), list = make("dl", { class: "steps" }), states = make("ul", { class: "states" });
    const says = make("p", { "aria-live": "polite" }), next = make("button", { type: "button", onclick: () => show((at + 1) % steps_of[model].length) }, "Next call →");
    let model = "posix", at = 0;
    function show(n) {
        const step = steps_of[model][at = n];
        all("button", list).forEach((b, i) => b.setAttribute("aria-pressed", i === n));
        says.textContent = `It ends in ${step.operation}, at its call ${step.call}. The next open may find:`;
        states.replaceChildren(...step.states.map((s) => make("li", {},
            make("b", { class: "verdict " + (s.verdict === "fine" ? "fine" : s.verdict === "torn tail" ? "torn" : "bad") }, s.verdict),
            make("div", {}, s.came ? `${s.what} (${s.came} writes came back)` : s.what), make("span", {}, `${s.count > 1 ? s.count + " states of the disk" : "the disk"}${s.count > 1 && model !== "kill" ? ", such as" : ""}: ${s.left}`))));
    }
    function choose(to) {
        model = to;
        list.replaceChildren();
        steps_of[model].forEach((step, n, steps) => {
            if (!n || steps[n - 1].operation !== step.operation) list.append(make("dt", {}, step.operation), make("dd"));
            list.lastChild.append(make("button", { type: "button", onclick: () => show(n) }, step.call));
        });
        show(0);
    }
    for (const [name, label] of Object.entries(models)) {
        const radio = make("input", { type: "radio", name: "model" + number, onchange: () => choose(name) });
        radio.checked = name === model;
        choice.append(make("label", {}, radio, " " + label));
    }
    section.append(choice, list, next, says, states);
    choose(model);
}
all(".cut").forEach(power_cut);

#!/usr/bin/python3
"""The site of the book, made by `make book`, looked at by a browser: Chromium, through its debugging pipe.

  book.py audit DIR [PAGE...]     a line for each fault, and how much was looked at
  book.py eval DIR PAGE SCRIPT... what each script makes of the page, a line each
  book.py shot DIR PAGE WIDTH THEME FILE.png [SCRIPT]   a picture of what a reader sees, after SCRIPT

What is a fault: a link or an anchor that leads nowhere; a chapter of more than 500 KB with all that it
loads; an error in the console; text with a contrast below 4.5 in either theme; headings out of order; a
page that is wider than 420 px; something to click that Tab does not reach; a figure without a text; on paper
a coloured page, text beside it, or a piece to play with.
"""
import base64, fcntl, html.parser, json, os, subprocess, sys, tempfile, urllib.parse


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        here_in, there_out, there_in, here_out = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in os.pipe() + os.pipe())
        os.dup2(there_in, 3) # where Chromium looks for them
        os.dup2(there_out, 4)
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--user-data-dir=" + self.profile.name], pass_fds=(3, 4), stderr=subprocess.DEVNULL)
        self.reader, self.out, self.number, self.events, self.session = os.fdopen(here_in, "rb"), here_out, 0, [], None
        self.left = b""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self.call(domain + ".enable")

    def message(self):
        while b"\0" not in self.left:
            self.left += self.reader.raw.read(1 << 20) or sys.exit("the browser ended")
        one, self.left = self.left.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        call = {"id": self.number, "method": method, "params": params}
        if self.session:
            call["sessionId"] = self.session
        os.write(self.out, json.dumps(call).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def show(self, width, theme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": theme}])

    def paper(self):
        self.call("Emulation.setDeviceMetricsOverride", width=680, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])

    def open(self, path, width=1280, theme="light"):
        self.show(width, theme)
        self.events = []
        self.call("Page.navigate", url="file://" + urllib.parse.quote(os.path.abspath(path)))
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.message())

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{script[:60]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def errors(self):
        for e in self.events:
            p = e.get("params", {})
            if e.get("method") == "Runtime.exceptionThrown":
                yield p["exceptionDetails"].get("exception", {}).get("description") or p["exceptionDetails"]["text"]
            elif e.get("method") == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                yield p["entry"]["text"]
            elif e.get("method") == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning"):
                yield str(p["args"])
            elif e.get("method") == "Network.requestWillBeSent" and not p["request"]["url"].startswith(("file:", "data:", "about:")):
                yield "it loads " + p["request"]["url"]

    def close(self):
        self.call("Browser.close")
        self.process.wait()


CHECK = r"""(() => {
    const faults = [], channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const dye = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (css) => { // light-dark() and color-mix() are computed by then
        dye.clearRect(0, 0, 1, 1); dye.fillStyle = css; dye.fillRect(0, 0, 1, 1); return dye.getImageData(0, 0, 1, 1).data; };
    const known = {}, light = (css) => known[css] ??= (([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b))(rgba(css));
    const clear = (css) => css === "none" || /^rgba.*, 0\)$/.test(css);
    const under = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!clear(c)) return c; } return "rgb(255,255,255)"; };
    const drawn = (text) => { // the last shape before it that its middle is in
        const t = text.getBoundingClientRect(), x = t.x + t.width / 2, y = t.y + t.height / 2;
        let found = null;
        for (const s of text.ownerSVGElement.querySelectorAll("rect, circle, ellipse, polygon, text")) {
            if (s === text) break;
            const b = s.getBoundingClientRect();
            if (s.tagName !== "text" && !clear(getComputedStyle(s).fill) && b.x <= x && x <= b.right && b.y <= y && y <= b.bottom) found = s;
        }
        return found ? getComputedStyle(found).fill : under(text.ownerSVGElement);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), said = new Set();
    let texts = 0;
    for (let node; (node = walker.nextNode());) {
        const e = node.parentElement;
        if (!node.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|title|desc|style)$/.test(e.tagName) || !e.checkVisibility()) continue;
        const style = getComputedStyle(e), svg = e.closest("svg"), front = svg ? style.fill : style.color;
        const back = svg ? drawn(e.closest("text")) : under(e), [a, b] = [light(front), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
        texts++;
        if (svg) {
            const t = e.closest("text").getBoundingClientRect(), all = svg.getBoundingClientRect();
            if (t.left < all.left || t.right > all.right || t.top < all.top || t.bottom > all.bottom) faults.push(`figure: "${node.data.slice(0, 30)}" leaves the drawing`);
        }
        if (ratio < 4.5 && !said.has(front + back)) { said.add(front + back); faults.push(`contrast ${ratio.toFixed(2)}: "${node.data.trim().slice(0, 30)}" ${front} on ${back}`); }
    }
    let last = 0;
    const heads = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")];
    for (const h of heads) { const n = Number(h.tagName[1]); if (n > last + 1) faults.push(`heading: "${h.textContent}" is h${n} after h${last}`); last = n; }
    if (heads.filter((h) => h.tagName === "H1").length !== 1) faults.push("heading: not one h1");
    for (const i of document.querySelectorAll("img")) if (!i.alt || !i.complete && i.loading !== "lazy") faults.push(`figure: ${i.src} has no alt or is not there`);
    for (const s of document.querySelectorAll("main svg")) if (!s.querySelector("title")?.textContent || !s.querySelector("desc")?.textContent || s.getAttribute("role") !== "img") faults.push("figure: a drawing without role, title or desc");
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id), twice = ids.filter((id, i) => ids.indexOf(id) !== i);
    if (twice.length) faults.push(`id: ${twice[0]} is there twice`);
    for (const e of document.querySelectorAll("[role=application]")) if (e.tabIndex < 0) faults.push("keyboard: Tab does not reach what the arrow keys move in");
    for (const e of document.querySelectorAll("input, button, select, [role=application], iframe")) if (!(e.labels?.length || e.textContent.trim() || e.getAttribute("aria-label") || e.title)) faults.push(`name: a ${e.tagName} without one`);
    return { faults, texts, theme: document.documentElement.dataset.theme };
})()"""
# What can be clicked and can be seen, but for the anchors of a code's lines. Of radio buttons Tab reaches one of a group.
CLICKABLE = """[...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')].filter((e) => e.checkVisibility({ visibilityProperty: true })
    && !e.closest("[aria-hidden]") && !(e.type === "radio" && !e.checked))"""
MOUSE_ONLY = """[...document.querySelectorAll("main *")].filter((e) => (e.onclick || getComputedStyle(e).cursor === "pointer") && !e.closest("a, button, input, label, summary, [tabindex]")).length"""


# On A4 paper, 680 px between its margins.
PAPER = r"""(() => {
    const faults = [], back = getComputedStyle(document.body).backgroundColor, wide = document.scrollingElement.scrollWidth - innerWidth;
    if (back !== "rgb(255, 255, 255)") faults.push("its colour is " + back);
    if (wide > 0) faults.push(`${wide} px more than it has`);
    for (const e of document.querySelectorAll("pre, .scroll, .drawing div")) if (e.scrollWidth > e.clientWidth) { faults.push(`cut at the right: ${e.textContent.trim().slice(0, 30)}`); break; }
    for (const e of document.querySelectorAll("button, input, iframe, details")) if (e.checkVisibility()) { faults.push(`a ${e.tagName} to play with`); break; }
    return faults;
})()"""


# Until the page has heard of another theme; it has 100 frames' time.
SETTLED = """new Promise((done) => { let n = 100; (function look() {
    (document.documentElement.dataset.theme ?? "%s") === "%s" || !n-- ? done() : requestAnimationFrame(look); })(); })"""


class Links(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.ids, self.loads = [], set(), []
        self.feed(open(path, encoding="utf-8").read())

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids.add(a.get("id"))
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        for name in ("src", "href"):
            if a.get(name) and (tag in ("img", "script", "iframe", "link")) and not a[name].startswith("data:"):
                self.loads.append(a[name])


def look_at_files(root, only):
    pages = only or sorted(os.path.relpath(os.path.join(d, f), root) for d, _, files in os.walk(root) for f in files if f.endswith(".html"))
    read = {p: Links(os.path.join(root, p)) for p in pages}

    def ids_of(page):
        if page not in read:
            known[page] = known.get(page) or Links(os.path.join(root, page))
        return (read.get(page) or known[page]).ids
    known = {}
    count = 0
    for page, content in read.items():
        for link in content.links + content.loads:
            if link.startswith(("http:", "https:", "mailto:")):
                continue
            count += 1
            path, _, anchor = urllib.parse.unquote(link).partition("#")
            to = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.isfile(os.path.join(root, to)):
                print(f"{page}: link: {link} leads nowhere")
            elif anchor and to.endswith(".html") and not to.startswith("timeline") and anchor not in ids_of(to):
                print(f"{page}: link: {link} has no such anchor")
        if page.startswith("docs/"):
            loaded = {page} | {os.path.normpath(os.path.join(os.path.dirname(page), l)) for l in content.loads}
            weight = sum(os.path.getsize(os.path.join(root, f)) for f in loaded if os.path.isfile(os.path.join(root, f)))
            if weight > 500_000 and os.path.dirname(page) == "docs":
                print(f"{page}: weight: {weight} bytes")
    return pages, count


def audit(root, *only):
    pages, links = look_at_files(root, list(only))
    browser, texts, stops = Browser(), 0, 0
    written = [p for p in pages if not p.count(".c.") and not p.count(".h.")]
    sources = [p for p in pages if p not in written][::1 if only else 40]
    for page in [p for p in written if not p.startswith("timeline") and Links(os.path.join(root, p)).loads] + sources:
        browser.open(os.path.join(root, page))
        for theme in "light", "dark":
            browser.show(1280, theme)
            browser.run(SETTLED % (theme, theme))
            result = browser.run(CHECK)
            if result.get("theme", theme) != theme:
                print(f"{page}: theme: {result['theme']}, not {theme}")
            texts += result["texts"]
            for fault in result["faults"]:
                print(f"{page}: {theme}: {fault}")
        browser.show(420, "light")
        wider = browser.run("document.scrollingElement.scrollWidth - innerWidth")
        if wider > 0:
            print(f"{page}: wide: {wider} px more than 420")
        browser.paper()
        for fault in browser.run(PAPER):
            print(f"{page}: paper: {fault}")
        for error in browser.errors():
            print(f"{page}: console: {error}")
        if page == "index.html" or page.startswith(("docs/01", "docs/06", "bad")):
            browser.open(os.path.join(root, page))
            want = browser.run(f"{CLICKABLE}.length")
            browser.run("globalThis.reached = new Set(); addEventListener('focusin', (e) => reached.add(e.target))")
            for _ in range(want + (40 if 'docs/06' in page else 10)): # a frame has stops of its own
                for kind in "rawKeyDown", "keyUp":
                    browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            missed = browser.run(f"{CLICKABLE}.filter((e) => !reached.has(e)).map((e) => e.outerHTML.slice(0, 90))")
            stops += want - len(missed)
            for element in missed[:5]:
                print(f"{page}: keyboard: Tab does not reach {element}")
            if browser.run(MOUSE_ONLY):
                print(f"{page}: keyboard: something can only be clicked")
    browser.close()
    print(f"looked at {len(pages)} pages, {links} links, {texts} texts, {stops} stops of Tab")


def evaluate(root, page, *scripts):
    browser = Browser()
    browser.open(os.path.join(root, page))
    for script in scripts:
        print(browser.run(script))
    browser.close()


def shot(root, page, width, theme, file, script=None):
    browser = Browser()
    page, _, anchor = page.partition("#")
    browser.open(os.path.join(root, page), int(width), theme)
    if anchor:
        browser.run(f"document.getElementById({json.dumps(anchor)}).scrollIntoView()")
    if script:
        browser.run(script)
    browser.run("new Promise((r) => setTimeout(r, 300))")
    with open(file, "wb") as to:
        to.write(base64.b64decode(browser.call("Page.captureScreenshot")["data"]))
    browser.close()


if __name__ == "__main__":
    {"audit": audit, "eval": evaluate, "shot": shot}[sys.argv[1]](*sys.argv[2:])

#!/bin/bash
# The book's site in a browser: make browser, which makes it. tests/browser/book.py says what is a fault.
#
#   tests/browser/book.sh DIR [PAGE...]     the site, or only these pages of it
root=$(cd "$(dirname "$0")/../.." && pwd)
site=$1
. "$root/tests/cli/tap.bash"
looks() { python3 "$root/tests/browser/book.py" "$@" 2>&1; }

audit=$(looks audit "$@")
is book_has_no_fault "$(grep -v '^looked at' <<<"$audit" | head -20)" ''
[ $# -gt 1 ] || like book_was_looked_at "$audit" '^looked at [0-9]{3,} pages, [0-9]{4,} links, [0-9]{5,} texts, [0-9]{3} stops'

# Every kind of fault is seen: a page that has them all. (tests/browser/mutants.sh puts such faults into the site.)
mkdir -p bad/docs && cd bad || exit 1
head -c 600000 /dev/zero | tr '\0' ' ' >docs/heavy.css
echo '<h1>a</h1><link rel="stylesheet" href="heavy.css"><a href="../bad.html#none">x</a>' >docs/bad.html
cat >bad.html <<end
<!DOCTYPE html><html lang="en"><body style="background:light-dark(#fff,#000);color-scheme:light dark"><h1>One</h1><h3>Three</h3>
<p style="color:#aaa">pale in the light</p><p style="color:light-dark(#000,#444)">pale in the dark</p><a href="gone.html">gone</a><main>
<svg width="70" height="40"><rect width="70" height="40" fill="#333"/><text x="9" y="20" fill="#222">dark on dark</text></svg>
<button tabindex="-1" id="b">never</button><span id="b" onclick="1">click</span><img src="gone.png"><button></button></main>
<div role="application" aria-label="pad">pad</div><pre style="overflow:auto">$(printf 'wide %.0s' {1..60})</pre><div style="width:900px">wide</div><script>throw new Error("thrown")</script></body></html>
end
audit=$(looks audit .)
for fault in 'docs/bad.html: link: ../bad.html#none has no such anchor' 'docs/bad.html: weight: 600' 'bad.html: link: gone.html leads nowhere' \
    'light: contrast [12]\.[0-9]*: "pale in the light"' 'dark: contrast [12]\.[0-9]*: "pale in the dark"' 'contrast 1\.[0-9]*: "dark on dark"' \
    'console: Error: thrown' 'heading: "Three" is h3 after h1' 'figure: .*gone.png has no alt' 'figure: a drawing without' 'figure: "dark on dark" leaves' 'id: b is there twice' \
    'keyboard: Tab does not reach what the arrow' 'paper: its colour is rgb.0, 0, 0' 'paper: cut at the right: wide' 'paper: a BUTTON to play with' \
    'name: a BUTTON' 'wide: [0-9]* px' 'keyboard: something can only be clicked' 'keyboard: Tab does not reach <button tabindex="-1"'; do
    like "fault_is_seen: $fault" "$audit" "$fault"
done
cd ..

# What a page can do. (The index of the search is loaded when the search is entered.)
mapfile -t said < <(looks eval "$site" docs/01_append_log.html '
    const byte = document.querySelectorAll(".bytes i")[30]; byte.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    document.querySelector(".bytes output").textContent' '
    document.querySelector(".bytes .grid").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true })); document.querySelector(".bytes output").textContent' '
    document.querySelector(".bytes .grid").dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true })); document.querySelector(".bytes output").textContent' '
    [...document.querySelectorAll(".cut .states li")].map((e) => e.firstChild.textContent).join(" ")' '
    document.querySelector(".cut input").click(); document.querySelectorAll(".cut dd button")[1].click(); document.querySelector(".cut .states").textContent' '
    document.getElementById("search").focus(); document.getElementById("search").value = "torn tail"; new Promise((r) => setTimeout(r, 500)).then(() => {
        search(); return document.querySelector("#found a").href.replace(/.*book/, "") + " " + document.querySelector("#found p").textContent; })' '
    document.querySelector(".done input").click(); document.getElementById("theme").click(); localStorage.getItem("strata-read") + " " + document.documentElement.dataset.theme + " " + getComputedStyle(document.body).backgroundColor' '
    [...document.querySelectorAll(".from a")].map((a) => a.getAttribute("href")).find((h) => /engine/.test(h))')
like byte_shows_its_field "${said[0]}" "^klen the key's bytes: 5byte 30, one of 4 from 29; in record 1 @24"
like byte_is_reached_by_keys "${said[1]}" '^value "red"byte 46'
like last_byte_is_reached_by_one_key "${said[2]}" '^value "red"byte 48'
like power_cut_shows_what_posix_allows "${said[3]}" '^lost fine error$'
like power_cut_follows_the_choice "${said[4]}" '^fineapple=red .*torn tailapple=red .*24 states of the disk: 1 to 24 of 25 bytes'
like search_finds_a_section "${said[5]}" '^/docs/.*torn.* [0-9]+ sections'
like progress_and_theme_are_kept "${said[6]}" '^docs/01_append_log.html dark rgb\(22, 24, 28\)'
like quotation_links_to_its_line "${said[7]}" '^\.\./stages/01_append_log/engine\.c\.html#L-[0-9]+$'
done_testing

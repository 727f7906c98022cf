#!/bin/bash
# Makes the site of the book: make book. Pandoc makes the pages; this gives them their order.
#
#   B=build docs/site/book.sh
#   B=build PAGES="docs/a.md ..." docs/site/book.sh    only these of a site that is there, without search and sources
#
# The site is build/book, index.html first. It needs no server and no network. Each page of the docs and each
# source that one of them names is at its own path there, with .html. page.lua says what is made of a page.
set -eu
command -v pandoc >/dev/null || { echo "book.sh: there is no pandoc: apt-get install pandoc" >&2; exit 1; }
export OUT=$B/book STRATA=$B/strata LC_ALL=C.UTF-8
PAGES=${PAGES:-}
[ -n "$PAGES" ] || rm -rf "$OUT"
mkdir -p "$OUT/.index"
touch "$OUT/.sources"

address() { if [ "$1" = ROADMAP.md ]; then echo index.html; else echo "${1%.md}.html"; fi; }
# "01_append_log: how do ..." is "1 append log" in a list.
title() { if [ "$1" = README.md ]; then echo "What Strata is"; else title_in "$1"; fi; }
title_in() { sed -nE '/^# /{ s/^# //; s/`//g; s/^0?([0-9]+)_([a-z0-9_]+):.*/\1 \2/; s/&/\&amp;/g; s/</\&lt;/g; y/_/ /; p; q }' "$1"; }

order=(ROADMAP.md docs/[0-9][0-9]_*.md README.md)
for page in docs/*.md docs/{formats,answers,crash,fuzz,notebook}/*.md; do
    case $page in docs/[0-9][0-9]_*) ;; *) order+=("$page") ;; esac
done

nav=
group() { # TITLE PAGE...
    nav+="<p>$1</p><ul>"
    for page in "${@:2}"; do nav+="<li><a href=\"@root@$(address "$page")\">$(title "$page")</a></li>"; done
    nav+="</ul>"
}
group "Chapters" ROADMAP.md docs/[0-9][0-9]_*.md
group "To look up" README.md $(printf '%s\n' "${order[@]}" | grep -E '^docs/[a-z_]+\.md$')
group "Formats" docs/formats/*.md
group "Answers" docs/answers/*.md
group "Records" docs/crash/*.md docs/fuzz/*.md docs/notebook/*.md

make_page() { # INDEX
    local page=${order[$1]} root previous=() next=()
    root=$(dirname "$page" | sed -E 's|^\.$||; s|[^/]+|..|g; s|$|/|; s|^/$||')
    [ "$1" -gt 0 ] && previous=(-V prev="$(address "${order[$1 - 1]}")" -V prevtitle="$(title "${order[$1 - 1]}")")
    [ "$1" -lt $((${#order[@]} - 1)) ] && next=(-V next="$(address "${order[$1 + 1]}")" -V nexttitle="$(title "${order[$1 + 1]}")")
    mkdir -p "$OUT/$(dirname "$page")"
    PAGE=$page pandoc -f gfm -t html --toc --toc-depth=2 --template=docs/site/page.html --lua-filter=docs/site/page.lua \
        -M pagetitle="$(title "$page") · Strata" -V root="$root" -V url="$(address "$page")" -V nav="${nav//@root@/$root}" \
        "${previous[@]}" "${next[@]}" -o "$OUT/$(address "$page")" "$page"
}

# Two databases with some compactions behind them, by stage 6's policy and by stage 7's; page.lua puts what
# strata timeline makes of them into these chapters. (Stage 6 itself keeps no event log.)
data() { # NAME OPTION...
    for seed in 1 2 3 4 5 6; do
        "$program" datagen -n 3000 --seed $seed | sort -k2 | "$program" load --stage 7 --memtable 64k "${@:2}" "$1" - 2>/dev/null
    done
    "$program" timeline "$1" -o "$1.html"
    rm -r "$1"
}
program=$(realpath "$STRATA")
[ -n "$PAGES" ] || (cd "$OUT" && data timeline6 --fixed-levels && data timeline7)

pages=()
for i in "${!order[@]}"; do
    [[ -z $PAGES || " $PAGES " == *" ${order[i]} "* ]] || continue
    make_page "$i" &
    pages+=($!)
    [ "$i" -lt 2 ] || wait -n
done
for page in "${pages[@]}"; do wait "$page"; done
cp docs/site/book.css docs/site/book.js "$OUT"
[ -z "$PAGES" ] || exit 0
pandoc -f markdown -t html --lua-filter=docs/site/source.lua -o /dev/null </dev/null
{ echo 'found_in(['; cat "$OUT"/.index/*; echo '])'; } >"$OUT/search.js"
rm -rf "$OUT/.index" "$OUT/.work"
echo "the book: $OUT/index.html, ${#order[@]} pages, $(sort -u "$OUT/.sources" | wc -l) sources, $(du -sh "$OUT" | cut -f1)"

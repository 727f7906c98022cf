#!/bin/bash
# Puts known faults into what makes the book's site, one at a time, and has tests/browser/book.sh find them: make
# browser-mutants. A fault is a patch, tests/mutants/site/NAME.patch; above its first "---" line it says
#
#   Bug: what is wrong, and what it costs a reader
#   Pages: which pages are made again and looked at
#   Fault: a regular expression, for a line of what book.sh prints when it fails
#
#   B=build tests/browser/mutants.sh [WORD]     only patches whose name contains WORD; the site was made before
#
# In copies of the tree and of the site. First the pages must have no fault without a patch. The last line is
# "browser mutants: N killed, N survived". (An ordinary mutant's test takes a second, one of these ten: they are
# no part of make mutants.)
set -u
B=${B:-build} tree=$PWD
[ -e "$B/book/search.js" ] || { echo "browser/mutants.sh: there is no site: make book" >&2; exit 2; }
mapfile -t patches < <(cd tests/mutants/site && ls -- *.patch | sed 's/\.patch$//' | grep -F -- "${1:-}")
[ ${#patches[@]} -gt 0 ] || { echo "browser/mutants.sh: no patch of that name in tests/mutants/site" >&2; exit 2; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
logs=$tree/$B/mutants/site
rm -rf "$logs" && mkdir -p "$logs" "$work/tree/$B" || exit 1
tar -C "$tree" -cf - --exclude=./.git --exclude=./build . | tar -C "$work/tree" -xf - || exit 1
cp -a "$B/strata" "$work/tree/$B"

field() { sed -n "/^--- /q; s/^$2: *//p" "$tree/tests/mutants/site/$1.patch"; } # NAME FIELD

# Makes these pages again, of a site as it was, and has the browser look at them.
look() { # LOG PAGE...
    local log=$1
    shift
    rm -rf "$work/tree/$B/book" && cp -a "$tree/$B/book" "$work/tree/$B"
    (cd "$work/tree" && B=$B PAGES="$*" docs/site/book.sh && STRATA=$PWD/$B/strata bash tests/browser/book.sh "$PWD/$B/book" \
        $(printf '%s\n' "$@" | sed -E 's/^ROADMAP\.md$/index.html/; s/\.md$/.html/; s/\.[ch]$/&.html/')) >"$log" 2>&1
}

# shellcheck disable=SC2046 # several pages
look "$logs/without.log" $(for name in "${patches[@]}"; do field "$name" Pages | tr ' ' '\n'; done | sort -u) ||
    { grep -A9 '^not ok' "$logs/without.log"; echo "browser/mutants.sh: there is a fault without a patch: $logs/without.log" >&2; exit 1; }
killed=0
for name in "${patches[@]}"; do
    pages=$(field "$name" Pages) fault=$(field "$name" Fault) log=$logs/$name.log
    if [ -z "$pages" ] || [ -z "$fault" ] || [ -z "$(field "$name" Bug)" ]; then
        echo "FAILED   $name: its header lacks a field"
        continue
    fi
    if ! (cd "$work/tree" && patch -p1 -F0 -f -s -r - --no-backup-if-mismatch <"$tree/tests/mutants/site/$name.patch"); then
        echo "FAILED   $name: it does not apply"
    elif look "$log" $pages; then
        echo "SURVIVED $name ($log)"
    elif grep -qE -- "$fault" <(sed '/^ok /d' "$log"); then
        echo "killed   $name: $(sed '/^ok /d; s/^# //' "$log" | grep -E -m1 -- "$fault" | cut -c1-110)"
        killed=$((killed + 1))
    else
        echo "FAILED   $name: something else was found ($log)"
    fi
    (cd "$work/tree" && patch -p1 -R -f -s -r - --no-backup-if-mismatch <"$tree/tests/mutants/site/$name.patch") || exit 1
done
echo "browser mutants: $killed killed, $((${#patches[@]} - killed)) survived"
[ $killed -eq ${#patches[@]} ]

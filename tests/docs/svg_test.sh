#!/bin/bash
# The plots of the docs can be read by everybody: a title for those who cannot see them, text that is not
# rotated, at most eight series a panel, each of a colour of its own, and a background, as black text
# on a dark page's own is lost. (docs/tools/docs.pl looks whether the pages' links to them lead somewhere.)
root=$PWD
. tests/cli/tap.bash

# What is wrong with a plot, a line each.
faults() { # FILE
    awk '
        /^<svg.* role="img" aria-label="[^"]+"/ { label = 1 }
        /<title>/ && !title { title = $0; gsub(/.*<title>|<\/title>.*/, "", title) }
        /^ *width="[0-9]+" height="[0-9]+"/ { size = $1 " " $2 }
        /^<rect x="0" y="0" / && index($0, size) && /fill="#[0-9a-f]+"/ { background = 1 }
        /prefers-color-scheme: dark/ { dark = 1 }
        /translate\(.*rotate\(/ { rotated++ }
        match($0, /id="gnuplot_plot_[0-9]+[a-z]*"/) {
            panel = substr($0, RSTART + 17, RLENGTH - 18); gsub(/[0-9]/, "", panel)
            if (++series[panel] > most) most = series[panel]
            in_series = 1
        }
        in_series && !/^<g / && match($0, /rgb\([^)]*\)/) { # the first of what is drawn
            if (seen[panel, substr($0, RSTART, RLENGTH)]++) print "two series of a panel have one colour"
            in_series = 0
        }
        END {
            if (!label) print "no role and label"
            if (title == "" || title == "Gnuplot") print "no title"
            if (!background) print "no background"
            if (!dark) print "no colours for a dark page"
            if (rotated) print rotated " rotated labels"
            if (!most) print "no series"
            if (most > 8) print most " series in a panel"
        }' "$1"
}
number=0
while read -r file; do
    is "plot_$(basename "$file" .svg)_can_be_read" "$(faults "$file")" ""
    number=$((number + 1))
done < <(find "$root/docs" -name '*.svg' -not -path '*/drawings/*' | sort)
like there_are_plots "$number" '^([89]|1[0-9])$'

# Drawings: well-formed, one style for all, which has colours for a dark page, a title and a description; and
# each is in a chapter, which has two at least. (That text can be read is looked at in a browser: make browser.)
style() { sed -n '/<style>/,/<\/style>/p' "$1"; }
of_drawing() { # FILE
    local name
    name=$(basename "$1" .svg)
    python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$1" 2>&1 | tail -1
    [ "$(style "$1")" = "$(style "$first")" ] || echo "another style than $first"
    style "$1" | grep -q 'prefers-color-scheme: dark' || echo "no colours for a dark page"
    grep -qE '^<svg .* role="img" aria-labelledby="'"$name-t $name-d"'"' "$1" || echo "no role and label"
    grep -qE "^<title id=\"$name-t\">.{9,}</title>" "$1" && grep -qE "^<desc id=\"$name-d\">.{60,}</desc>" "$1" || echo "no title or description"
    grep -qE "^!\[.{40,}\]\(drawings/$name\.svg\)\$" "$root"/docs/0*.md || echo "in no chapter, on a line of its own"
}
drawings=("$root"/docs/drawings/*.svg)
first=${drawings[0]}
for file in "${drawings[@]}"; do is "drawing_$(basename "$file" .svg)_can_be_read" "$(of_drawing "$file")" ""; done
for chapter in "$root"/docs/0[1-9]_*.md; do
    like "chapter_$(basename "$chapter" .md)_has_two_drawings" "$(grep -c '](drawings/' "$chapter")" '^[2-9]$'
done
done_testing

#!/bin/bash
# The plots of the docs can be read by everybody: a title for those who cannot see them, text that is not
# rotated, at most eight series a panel, each of a colour and with a label of its own, colours for a dark page, and a
# background, as black text on a dark page's own is lost. (docs/tools/docs.pl looks whether the pages' links to them
# lead somewhere.)
root=$PWD
. tests/cli/tap.bash

# What is wrong with a plot, a line each.
faults() { # FILE
    awk '
        function panel_ends(    name) {
            for (name in of_series) if (!(name in of_label) && lines > 1) print "a series without a label: " name
            delete of_series; delete of_label; lines = 0
        }
        /^<svg .* role="img" aria-label="[^"]+"/ { label = 1 }
        /^<title>..........*<\/title>/ { title = 1 }
        /^<rect class="paper" / { background = 1 }
        /prefers-color-scheme: dark/ { dark = 1 }
        /rotate\(/ { rotated++ }
        /class="h">/ { panel_ends() }
        /^<g class="series / {
            if (++lines > most) most = lines
            split($0, part, "\""); sub(/^series /, "", part[2])
            if (part[2] in of_series && !/class="column"/) print "two series of a panel are " part[2]
            of_series[part[2]] = 1
            if (/class="column"/) of_label[part[2]] = 1 # its name is below it
        }
        /class="(c )?t [a-z]+">/ { split($0, part, "\""); sub(/.* /, "", part[6]); of_label[part[6]] = 1 }
        END {
            panel_ends()
            if (!label) print "no role and label"
            if (!title) print "no title"
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

# What could not be read is found.
two() { printf 'figure\t400\t300\tA figure of two\npanel\t50\t80\t200\t150\tone\tunit\nx\tlin\t-\t-\t-\ny\tlog\t-\t-\t-\nline\t%s\t%s\tdot\np\t1\t2\np\t2\t900\nline\tb\tblue\tring\np\t1\t3\np\t2\t850\n' "$@" | "$root/bench/svg.pl" two.svg; }
two a ink && is plot_of_two_can_be_read "$(faults two.svg)" ""
is plot_has_its_ticks "$(grep -oE 's [ce]">[^<]*<' two.svg | grep -oE '>[^<]*' | tr '\n' ' ')" ">10 >100 >1k >0 >1 >2 "
is plot_moves_labels_apart "$(sed -nE 's/^<text x="261.0" y="([0-9.]+)".*>([ab])<.*/\2 \1/p' two.svg | awk '{ y[$1] = $2 } END { print y["b"] - y["a"] }')" 13
two a blue && is plot_of_one_colour_is_seen "$(faults two.svg)" "two series of a panel are blue"
two - ink && is plot_without_a_label_is_seen "$(faults two.svg)" "a series without a label: ink"

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
    grep -qE "^!\[.{40,}\]\(drawings/$name\.svg\)\$" "$root"/docs/[01]*.md || echo "in no chapter, on a line of its own"
}
drawings=("$root"/docs/drawings/*.svg)
first=${drawings[0]}
for file in "${drawings[@]}"; do is "drawing_$(basename "$file" .svg)_can_be_read" "$(of_drawing "$file")" ""; done
for chapter in "$root"/docs/0[1-9]_*.md; do
    like "chapter_$(basename "$chapter" .md)_has_two_drawings" "$(grep -c '](drawings/' "$chapter")" '^[2-9]$'
done
done_testing

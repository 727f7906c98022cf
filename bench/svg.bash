# svg.bash: what the plots of the docs share (bench/plot.sh, docs/tools/policies.sh, fuzz/tools/long.sh).
#
# svg FILE TITLE WIDTH HEIGHT: draws what gnuplot reads on stdin; the caller has set pipefail. The background is white; on a
# dark page the picture inverts itself, but for its hues. TITLE is for those who cannot see the picture;
# gnuplot writes "Gnuplot" in its place.
svg() { # FILE TITLE WIDTH HEIGHT
    {
        echo "set terminal svg size $3,$4 noenhanced font 'sans,13' background rgb 'white'; set output '$1'"
        echo "set datafile separator tab; set datafile missing '-'; set grid ytics lt 1 lw 0.5 lc rgb '#dddddd'; set border 3 lc rgb '#888888'; set tics nomirror scale 0.5 textcolor rgb '#333333'"
        cat
    } | gnuplot 2>&1 | { grep -vE '^$|Warning: empty [xy] range' || true; } >&2 && sed -i -e "s|^<svg *\$|<svg role=\"img\" aria-label=\"$2\"|" -e "s|<title>Gnuplot</title>|<title>$2</title>|" \
        -e '0,/<defs>/s|<defs>|<style>@media (prefers-color-scheme: dark) { svg { filter: invert(.91) hue-rotate(180deg) } }</style>\n&|' \
        -e 's|\(id="gnuplot_plot_[^>]*>\)<title>.*</title>|\1|' "$1"
}
# The colours of Okabe and Ito, which the colour-blind can tell apart too, and grey.
okabe_ito=(0072b2 d55e00 009e73 cc79a7 e69f00 56b4e9 000000 999999)
svg_style() { # NUMBER: a line of its own colour and points
    echo "lw 1.5 pt $((5 + $1)) ps 0.8 lc rgb '#${okabe_ito[$1 % 8]}'"
}

#!/bin/bash
# Arrows point back: a file in stages/NN_x includes include/, common/, its own directory and the
# stages that its stage.mk names, all of them earlier; common/ includes no stage. Reads the
# dependency files that the compiler wrote.
#
#   B=build tests/tools/arrows.sh 04_x 04_x:03_y ...      each stage, then stage:used pairs
set -u
B=${B:-build}
bad=0
complain() { echo "arrows: $1" >&2; bad=1; }

used=" $* "
for pair in "$@"; do
    case $pair in
    *:*) [[ ${pair#*:} < ${pair%%:*} ]] || complain "${pair%%:*}/stage.mk uses ${pair#*:}, which is not earlier" ;;
    esac
done
files=0
while read -r d; do
    source=${d#"$B"/}
    [ -e "${source%.d}.c" ] || continue # of a file that was moved or removed since
    files=$((files + 1))
    from=$(cut -d/ -f2 <<<"$source")
    for to in $(grep -o 'stages/[^/ ]*/' "$d" | cut -d/ -f2 | sort -u); do
        case $d in
        "$B"/common/*) complain "common/ includes stages/$to ($d)" ;;
        *)
            [ "$to" = "$from" ] && continue
            [[ $used == *" $from:$to "* ]] || complain "stages/$from includes stages/$to, which its stage.mk does not name ($d)"
            ;;
        esac
    done
done < <(find "$B/common" "$B/stages" -name '*.d')
[ "$files" -gt 0 ] || complain "no dependency files below $B: build first"
[ $bad -eq 0 ] && echo "arrows: $files files, every arrow points back"
exit $bad

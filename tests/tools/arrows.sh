#!/bin/bash
# Arrows point back: who may include whom, read from the dependency files that the compiler wrote.
#   A file in stages/NN_x includes its own stage and those that its stage.mk names, all of them earlier.
#   A folder of common/ includes itself and those below it, see the table; common/ includes no stage.
#
#   B=build tests/tools/arrows.sh 04_x 04_x:03_y ...      each stage, then stage:used pairs
set -u
B=${B:-build}
bad=0
complain() { echo "arrows: $1" >&2; bad=1; }

declare -A may=(
    [base]="" [threads]="base" [fs]="base threads" [db]="base threads fs" [db/maintenance]="base threads fs db" [inspect]="base threads fs db" [events]="base threads fs inspect" [text]="base"
    [crash/sim]="base threads fs" [crash]="base threads fs db inspect text crash/sim"
    [crash/explore]="base threads fs db inspect text crash crash/sim"
    [scenario]="base threads fs text crash"
    [cli]="base threads fs db db/maintenance inspect text crash crash/sim crash/explore scenario"
    [stages]="base threads fs db events inspect"
)
used=" $* "
for pair in "$@"; do
    case $pair in
    *:*) [[ ${pair#*:} < ${pair%%:*} ]] || complain "${pair%%:*}/stage.mk uses ${pair#*:}, which is not earlier" ;;
    esac
done

# The room of a file, its folder or the nearest one above it that is known; ROOM and the rooms it leads to.
room_of() {
    local folder=${1#common/}
    case $folder in stages/*) folder=stages ;; *) folder=${folder%/*} ;; esac
    local room=$folder
    while [ -z "${may[$room]+known}" ]; do
        case $room in */*) room=${room%/*} ;; *) room=$folder; break ;; esac
    done
    echo "$room"
}
folder_arrows() { # SOURCE DEPENDENCIES
    local room to
    room=$(room_of "$1")
    [ -n "${may[$room]+known}" ] || { complain "$1: arrows.sh does not know the folder common/$room"; return; }
    for to in $(grep -oE '(^|[ ./])common/[a-z_/]+\.h' "$2" | sed -E 's|^[ ./]*||' | while read -r to; do room_of "$to"; done | sort -u); do
        [ "$to" = "$room" ] && continue
        [[ " ${may[$room]} " == *" $to "* ]] || complain "$1 includes common/$to: ${room/#stages/a stage} may include ${may[$room]:-nothing else}"
    done
}
stage_arrows() { # SOURCE DEPENDENCIES
    local from to
    from=$(cut -d/ -f2 <<<"$1")
    for to in $(grep -o 'stages/[^/ ]*/' "$2" | cut -d/ -f2 | sort -u); do
        case $1 in
        common/*) complain "$1 includes stages/$to" ;;
        *)
            [ "$to" = "$from" ] && continue
            [[ $used == *" $from:$to "* ]] || complain "$1 includes stages/$to, which its stage.mk does not name"
            ;;
        esac
    done
}

files=0
while read -r d; do
    source=${d#"$B"/} source=${source%.d}.c
    [ -e "$source" ] || continue # of a file that was moved or removed since
    files=$((files + 1))
    folder_arrows "$source" "$d"
    stage_arrows "$source" "$d"
done < <(find "$B/common" "$B/stages" -name '*.d' | sort)
[ "$files" -gt 0 ] || complain "no dependency files below $B: build first"
[ $bad -eq 0 ] && echo "arrows: $files files, every arrow points back"
exit $bad

#!/bin/bash
# tests/tools/arrows.sh and circles.sh on trees of some files: each wrong arrow, and each circle, is found.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
unset B

# The files FROM and TO..., of which FROM includes the others.
includes() { # FROM TO...
    local from=$1 file
    shift
    rm -rf build common stages
    mkdir -p build/common build/stages
    for file in "$from" "$@"; do mkdir -p "$(dirname "$file")" "build/$(dirname "$file")" && touch "$file"; done
    echo "build/${from%.c}.o: $from $*" >"build/${from%.c}.d"
}
arrows() { "$root/tests/tools/arrows.sh" 01_log 02_index 02_index:01_log; }
good() { # NAME FROM TO...
    includes "${@:2}"
    prints "$1" 'arrows: 1 files, every arrow points back' arrows
}
wrong() { # NAME MESSAGE FROM TO...
    includes "${@:3}"
    fails "$1" 1 "$2" arrows
}

good stage_includes_itself stages/01_log/engine.c stages/01_log/record.h stages/01_log/sub/part.h
good stage_includes_what_its_stage_mk_names stages/02_index/sub/part.c stages/01_log/record.h
good stage_includes_the_ground stages/01_log/engine.c common/base/bytes.h common/fs/fs.h common/db/aside.h
good db_stands_on_fs common/db/db.c common/db/db.h common/fs/fs.h common/base/bytes.h include/strata.h
good cli_includes_all common/cli/a.c common/crash/sim/fs_sim.h common/crash/judge.h common/text/csv.h common/db/db.h
wrong stage_before_an_earlier_one 'stages/01_log/engine.c includes stages/02_index, which its stage.mk does not name' \
    stages/01_log/engine.c stages/02_index/index.h
wrong stage_before_an_earlier_one_in_a_folder 'stages/01_log/sub/part.c includes stages/02_index' \
    stages/01_log/sub/part.c stages/02_index/sub/index.h
wrong common_includes_a_stage 'common/db/db.c includes stages/01_log' common/db/db.c stages/01_log/record.h
includes stages/01_log/engine.c stages/01_log/record.h
fails stage_mk_names_a_later_stage 1 '^arrows: 01_log/stage.mk uses 02_index, which is not earlier' \
    "$root/tests/tools/arrows.sh" 01_log 01_log:02_index
for arrow in base:fs fs:db db:inspect db:text db:db/maintenance inspect:text text:fs crash/sim:db crash:cli crash:crash/explore; do
    from=${arrow%:*} to=${arrow#*:}
    wrong "${from/\//_}_includes_${to/\//_}" "^arrows: common/$from/x.c includes common/$to: " "common/$from/x.c" "common/$to/y.h"
done
for to in text crash crash/sim cli; do
    wrong "stage_includes_${to/\//_}" "^arrows: stages/01_log/x.c includes common/$to: a stage may include " stages/01_log/x.c "common/$to/y.h"
done
good folder_is_a_part_of_the_room_above_it common/cli/show/x.c common/cli/output/y.h common/cli/cli.h
wrong folder_of_a_room_has_its_arrows '^arrows: common/fs/posix/x.c includes common/db: ' common/fs/posix/x.c common/db/y.h
wrong unknown_folder_is_an_error 'does not know the folder common/new' common/new/x.c common/base/bytes.h
rm -rf build && mkdir -p build/common build/stages
fails nothing_built_is_an_error 1 'no dependency files below build' arrows

# ---- Circles -----------------------------------------------------------------------------------

objects() { # NAME CALLS DEFINES...: common/NAME.c with functions that each call function CALLS, if it is named
    local f
    mkdir -p common build/common
    for f in "${@:3}"; do echo "${2:+void $2(void);} void $f(void); void $f(void) { ${2:+$2();} }"; done >"common/$1.c"
    ${CC:-cc} -c "common/$1.c" -o "build/common/$1.o"
}
circles() { "$root/tests/tools/circles.sh" common; }
rm -rf build common
objects a b_one a_one
objects b c_one b_one b_two
objects c '' c_one
prints a_chain_is_no_circle 'circles: 3 files of common, none' circles
objects c a_one c_one
fails a_circle_of_three_is_found 1 '^circles: common/a.c common/b.c common/c.c$' circles
like a_circle_is_shown_call_by_call "$err" '^  common/c.c -> common/a.c: a_one$'
objects a '' a_one
objects b c_one b_one b_two
objects c b_two c_one
fails a_circle_of_two_is_found 1 '^circles: common/b.c common/c.c$' circles
rm common/c.c
prints what_was_removed_is_no_circle 'circles: 2 files of common, none' circles
done_testing

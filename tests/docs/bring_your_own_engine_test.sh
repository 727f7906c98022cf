#!/bin/bash
# docs/bring_your_own_engine.md in a fresh clone, where nothing is built: `make check`, its first
# command that builds, makes every file of build/ that the page's later commands name.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash
unset MAKEFLAGS MAKELEVEL MFLAGS
export NO_INSTALL=1
page=$root/docs/bring_your_own_engine.md

make -s -C "$root" B="$work/fresh" -n check-build >"$work/made" 2>/dev/null
mapfile -t named < <(grep '^\$ ' "$page" | grep -oE 'build/[a-z_./]+' | sort -u)
like page_names_files_of_build "${named[*]}" 'build/strata .*build/tests/engines/plain.so'
for file in "${named[@]}"; do
    if grep -qF -- "-o $work/fresh/${file#build/} " "$work/made"; then pass "check_builds_$file"; else fail "check_builds_$file"; fi
done

code start_writes_an_engine 0 make -s -C "$root" start STAGE=1 DIR="$work/mine"
code what_start_writes_compiles 0 make -s -C "$work/mine"
is it_is_a_shared_object "$(ls "$work/mine")" "$(printf '%s\n' Makefile README.md below engine ground include mine.so)"
done_testing

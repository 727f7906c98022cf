#!/bin/bash
# What make fuzz prints, for docs/fuzzing.md; the machine first.
#
#   docs/tools/fuzz_run.sh run     stage 3, a minute for each target, one core
#   docs/tools/fuzz_run.sh bug     a planted bug, as the tutorial tells it
set -u
cd "$(dirname "$(readlink -f Makefile)")" || exit 1 # the tree itself: it is built and copied there
printf 'Run on %s on %s; Linux %s.\n' "$(date +%F)" "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(uname -r)"
case ${1:-} in
run) make -s fuzz STAGE=3 TIME="${TIME:-60}" JOBS=1 2>/dev/null | grep -a '^f' ;;
bug) SHOW=1 make -s fuzz-planted BUG=common/decoder_length TIME=60 2>/dev/null | grep -aE '^(fuzz|found):|^    ' ;;
esac

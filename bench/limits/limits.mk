# What the machine can do at best, and how far from it the workloads are.

$B/bench/strata-limits: $(patsubst %.c,$B/%.o,$(wildcard bench/limits/*.c)) $(LIB_A)
BENCHES += $B/bench/strata-limits

.PHONY: bench-limits
bench-limits: install-build ## what the machine can do at best, and how far from it each workload of RESULTS is [RESULTS=build/bench/results.json]
	@$(MAKE) --no-print-directory -s $B/bench/strata-limits
	@B=$B RESULTS=$(RESULTS) TMPDIR=$B/bench bench/limits.sh

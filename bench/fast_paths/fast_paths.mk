# What each technique of stage 9 gains: see fast_paths.h.

$B/bench/strata-fast-paths: $(patsubst %,$B/bench/fast_paths/%.o,fast_paths measure works) $(LIB_A)
BENCHES += $B/bench/strata-fast-paths

.PHONY: fast-paths
fast-paths: install-build ## each technique of stage 9 beside the plain form of an earlier stage: times and instructions, two minutes [KEYS=100000] [RUNS=5]
	@$(MAKE) --no-print-directory -s $B/bench/strata-fast-paths
	@B=$B KEYS=$(KEYS) RUNS=$(RUNS) bench/fast_paths.sh

.PHONY: concurrency
concurrency: bench-build ## stage 9, stage 10 without a thread and with one, at the same work: a quarter of an hour [N=1000000] [TURNS=3] [QUIET=60]
	@B=$B $(if $(N),N=$(N)) $(if $(TURNS),TURNS=$(TURNS)) $(if $(QUIET),QUIET=$(QUIET)) bench/concurrency.sh

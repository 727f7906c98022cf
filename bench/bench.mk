# The benchmark driver.

BENCH_SRC := $(wildcard bench/*.c)

$B/bench/strata-bench: $(BENCH_SRC:%.c=$B/%.o) $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -o $@ $(filter %.o,$^) $(LIB_A) $(LDFLAGS) $(LIBS)

.PHONY: bench bench-build
bench-build: $B/strata $B/bench/strata-bench
tests-build: bench-build

# About ten seconds a stage: no single benchmark takes more than two. The databases are made in the
# build directory: /tmp may be memory, where a sync costs nothing.
bench: install-build ## db_bench's workloads on every stage [STAGE=N]: a table and build/bench/results.json
	@$(MAKE) --no-print-directory bench-build
	@TMPDIR=$B/bench $B/bench/strata-bench --stage=$(or $(STAGE),all) --seconds=2 --json=$B/bench/results.json
	@echo && echo "written: $B/bench/results.json"

# What the machine can do at best, and how far from it the workloads are.

LIMIT_OBJ := $(patsubst %,$B/bench/limits/%.o,measure each memory blocks files)
$B/bench/strata-limits: $B/bench/limits/limits.o $(LIMIT_OBJ) $(LIB_A)
BENCHES += $B/bench/strata-limits

# What the machine can do at best, and how far from it each workload of the newest stage is [N=100000] [WHICH=newest]
bench-set-limits: install-build
	@$(MAKE) --no-print-directory bench-build
	@$(call side_by_side,$(call which,newest),$(call turns,1),$(or $(N),100000),$(SIDES),limits,--limits --figures=micros_per_op)

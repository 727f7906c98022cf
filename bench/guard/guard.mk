# The regression guard: see guard.h.

comma := ,
# What the guard counts goes through bench/guard/count.c.
GUARD_OBJ  := $(patsubst %,$B/bench/guard/%.o,works count table)
GUARD_WRAP := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc pread64 pwrite64 pwritev64 \
  fdatasync fsync sync_file_range ftruncate64 fallocate64 fstat64 close renameat linkat unlinkat mkdirat mmap64 munmap madvise)
$B/bench/strata-guard: $B/bench/guard/guard.o $(GUARD_OBJ) $(LIB_A)
$B/bench/strata-guard: LDFLAGS += $(GUARD_WRAP)
# Its counts are a test, too.
$B/tests/unit/guard_test: $(GUARD_OBJ)
$B/tests/unit/guard_test: LDFLAGS += $(GUARD_OBJ) $(GUARD_WRAP)
$B/tests/unit/guard_test.o: ALL_CFLAGS += -Ibench
# Debugging information changes no instruction.
$B/bench/guard/count.o: ALL_CFLAGS += -DGUARD_FLAGS='"$(strip $(filter-out -g%,$(CFLAGS)))"'
BENCHES += $B/bench/strata-guard

.PHONY: guard guard-record
guard: install-build install-valgrind ## what small works cost on each stage, in steps and instructions: fails when one costs 5 % more than is recorded
	@$(MAKE) --no-print-directory -s $B/bench/strata-guard
	@B=$B bench/guard.sh
guard-record: install-build install-valgrind ## record in bench/guard/table.tsv what they cost now
	@$(MAKE) --no-print-directory -s $B/bench/strata-guard
	@B=$B bench/guard.sh --record


# The crash tests' own programs. What the tests share stands in tests/support and
# common/crash. A loop, X_loop.c, is linked to its quick form, X_test, and to the program behind
# `make X`.

crash_objs = $(1:%=$B/tests/crash/%.o)
define crash_program
$B/tests/crash/$1: $B/tests/crash/$1.o $(call crash_objs,$2) $(TEST_LIB) $(LIB_A)
	$$(call say,LINK,$$@) $$(CC) $$(CFLAGS) $$(SAN) -rdynamic -o $$@ $$(filter %.o,$$^) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $$(LDFLAGS) $(TEST_LIBS)
tests-build: $B/tests/crash/$1
endef
$(foreach p,kill_real_test kill_real,$(eval $(call crash_program,$p,kill_loop)))
$(foreach p,faults_test faults,$(eval $(call crash_program,$p,faults_loop memory_loop allocations allocations_reach)))
$(foreach p,bits_test bits,$(eval $(call crash_program,$p,bits_loop allocations allocations_reach)))
$(eval $(call crash_program,memory_test,memory_loop allocations allocations_reach))
$(eval $(call crash_program,model,))

# Every allocation of the library goes through the test. (A shared object's: allocations_reach.)
$(foreach p,memory_test faults_test faults bits_test bits,$B/tests/crash/$p): LDFLAGS += $(foreach f,malloc calloc realloc aligned_alloc strdup strndup free,-Wl,--wrap=$f)

# So does a stage's own test of what is done without a handle, and of what that loop does not reach.
OWN_ALLOCATIONS := $(patsubst %,$B/tests/stages/%_test,07_events_line 09_failing 09_killed 10_failing 10_killed 11_commit 11_locks 12_value_failing 08_repair 08_salvage 09_repair 06_version 07_obsolete 13_filter 13_range)
OWN_ALLOCATIONS += $B/tests/unit/server_memory_test
$(OWN_ALLOCATIONS): $B/tests/crash/allocations.o
$(OWN_ALLOCATIONS): LDFLAGS += $B/tests/crash/allocations.o $(foreach f,malloc calloc realloc aligned_alloc strdup strndup free,-Wl,--wrap=$f)

# What is under test: stage STAGE, or ENGINE, an engine of one's own, by that stage's promises.
of_engine = $(if $(ENGINE),$(if $(STAGE),,echo 'ENGINE wants STAGE=N beside it: whose promises?' >&2; exit 2;)) STRATA_STAGE=$(call quoted,$(STAGE)) STRATA_ENGINE=$(call quoted,$(ENGINE))

kill: install-test ## kill -9 a writer on the real file system, again and again [STAGE=N [ENGINE=mine.so]] [TIMES=20]
	@$(MAKE) --no-print-directory -s $B/tests/crash/kill_real
	@$(of_engine) $B/tests/crash/kill_real --times $(or $(TIMES),20)

faults: install-test ## every call of the file layer fails, and every allocation: a table [STAGE=N [ENGINE=mine.so]] [STRIDE=16]
	@$(MAKE) --no-print-directory -s $B/tests/crash/faults
	@$(of_engine) $B/tests/crash/faults --stride $(or $(STRIDE),16)

bits: install-test ## every bit flipped, every cut, every sector exchanged: a table [STAGE=N [ENGINE=mine.so]]
	@$(MAKE) --no-print-directory -s $B/tests/crash/bits
	@$(of_engine) $B/tests/crash/bits

model: install-test ## a long random sequence of operations against a model, killed and opened with other options: STAGE=6 [OPERATIONS=10000000] [SEED=1] [ENGINE=mine.so]
	@$(MAKE) --no-print-directory -s $B/tests/crash/model
	@$(of_engine) $B/tests/crash/model $(or $(OPERATIONS),10000000) $(or $(SEED),1)

crash: all ## every state that a crash may leave, in tables [STAGE=N [ENGINE=mine.so]] [SEEDS=24]
	@$(of_engine) B=$B tests/tools/crash.sh run "$(STAGE)" "$(SEEDS)"

crash-full: all ## the same and nothing left out, for TIME=2h [STAGE=3]; goes on where it stopped
	@B=$B tests/tools/crash.sh full "$(or $(STAGE),3)" "$(or $(TIME),2h)"

.PHONY: kill faults bits model crash crash-full

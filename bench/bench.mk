# The benchmark driver, and the tour, which measures with it.

COMMA := ,
LAYOUT_SRC := bench/block_layouts.c bench/restart_block.c
BENCH_SRC := $(filter-out bench/tour_writer.c bench/peak.c bench/difficult_keys.c $(LAYOUT_SRC),$(wildcard bench/*.c))
MEMTABLES := $(patsubst %.c,$B/%.o,$(wildcard bench/memtables/*.c))
# A peer is measured where its header is found.
HEADER.leveldb := leveldb/c.h
HEADER.rocksdb := rocksdb/c.h
HEADER.lmdb    := lmdb.h
HEADER.sqlite  := sqlite3.h
HEADER.tkrzw   := tkrzw_langc.h
# One run of the preprocessor asks for all of them: every make does that.
ask_for = \#if __has_include(<$(HEADER.$1)>)\npeer $1\n\#endif\n
ALL_PEERS := leveldb rocksdb lmdb sqlite tkrzw
PEERS     := $(filter $(ALL_PEERS),$(shell printf '$(foreach p,$(ALL_PEERS),$(call ask_for,$p))' | $(CC) -E -P -x c - 2>/dev/null))
PEER_LIBS := $(patsubst -lsqlite,-lsqlite3,$(PEERS:%=-l%))
PEER_OBJ  := $(patsubst %,$B/bench/peers/%.o,strata $(PEERS) $(if $(filter rocksdb,$(PEERS)),rocksdb_about))
TURN_OBJ  := $(patsubst %,$B/bench/%.o,engines os peers/turn peers/reads peers/command) $(PEER_OBJ)
BENCHES   := $(addprefix $B/bench/,strata-bench tour_writer strata-memtables peak block_layouts difficult_keys strata-peer strata-levels)

include $(wildcard bench/*/*.mk)

$B/bench/strata-bench: $(BENCH_SRC:%.c=$B/%.o) $(PEER_OBJ) $(LIB_A)
$B/bench/tour_writer: $B/bench/tour_writer.o $(LIB_A)
$B/bench/strata-memtables: $(MEMTABLES) $(LIB_A)
$B/bench/peak: $B/bench/peak.o $(LIB_A)
$B/bench/block_layouts: $(LAYOUT_SRC:%.c=$B/%.o) $(LIB_A)
$B/bench/difficult_keys: $B/bench/difficult_keys.o $(LIB_A)
$B/bench/strata-peer: $B/bench/peers/peer.o $(TURN_OBJ) $(LIB_A)
$B/bench/strata-levels: $B/bench/peers/levels.o $B/bench/histogram.o $(TURN_OBJ) $(LIB_A)
$B/bench/strata-bench $B/bench/strata-peer $B/bench/strata-levels: LIBS += $(PEER_LIBS)
$B/bench/engines.o: ALL_CFLAGS += $(foreach p,$(PEERS),-DPEER_$(shell echo $p | tr a-z A-Z))
$B/bench/engines.o: $B/peers.txt
$B/peers.txt: FORCE
	@mkdir -p $(@D); echo $(PEERS) | cmp -s - $@ || echo $(PEERS) > $@
$(BENCHES):
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -o $@ $(filter %.o,$^) $(LIB_A) $(LDFLAGS) $(LIBS)

.PHONY: bench bench-costs bench-open bench-layouts bench-keys bench-memtables bench-peers bench-levels bench-growth bench-large tour bench-build
bench-build: $B/strata $(BENCHES)
tests-build: bench-build
compile: $(TURN_OBJ) $(patsubst %.c,$B/%.o,$(filter-out bench/peers/%,$(wildcard bench/*.c bench/*/*.c)))

# ---- Side by side ------------------------------------------------------------------------------
#
# The databases are made in the build directory: /tmp may be memory, where a sync costs nothing. What
# a machine has not of the peers is left out.

SIDES := fillseq,open,reopen,readseq,fillbatch,fillsync,fill100K,fillrandom,overwrite,filluniquerandom,settle,readrandom,readmissing,readhot,readsmallcache,seekrandom,readreverse,readwhilewriting,deleterandom,compact,openafterkill,putafterkill,verify,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbe,ycsbf
LARGE := fillseq,open,reopen,readseq,filluniquerandom,settle,readrandom,readmissing,readsmallcache,seekrandom,readreverse,overwrite,compact,openafterkill,putafterkill,verify,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbe,ycsbf
STEPS := fillseq,fillbatch,fillsync,fillrandom,filluniquerandom,readrandom,readmissing,seekrandom,readseq,readreverse,overwrite,deleterandom,open,openafterkill,compact
GROWS := filluniquerandom,settle,readrandom,readmissing,seekrandom,readseq,overwrite

draw = tests/tools/install.sh plot && FROM=$B/bench TO=$(or $(TO),$B/bench) bench/plot.sh || echo "nothing is drawn"
side_by_side = TMPDIR=$B/bench $B/bench/strata-bench --engines=$(or $(WHICH),$1) --turns=$(or $(TURNS),$2) --num=$(or $(N),$3) --benchmarks=$(or $(WORKS),$4) --json=$B/bench/$5.json $6 && echo && echo "written: $B/bench/$5.json"

.PHONY: bench-full bench-stairs bench-sizes bench-plot bench-peers-installed
bench-peers-installed: install-build
	@for group in peers more-peers rocksdb; do tests/tools/install.sh $$group || echo "left out: $$group"; done
	@$(MAKE) --no-print-directory bench-build

bench: $(if $(STAGE),install-build,bench-peers-installed) ## the newest stage beside LevelDB and other engines, minutes; one stage alone [STAGE=N] [N=100000] [TURNS=3] [WHICH=all] [WORKS=...]
	@$(MAKE) --no-print-directory bench-build
	@$(if $(STAGE),TMPDIR=$B/bench $B/bench/strata-bench --stage=$(STAGE) --seconds=2 --json=$B/bench/results.json && echo && echo "written: $B/bench/results.json",$(call side_by_side,all,3,100000,$(SIDES),results,--seconds=10))
	@$(if $(STAGE),B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh quick,$(draw))

bench-full: bench-peers-installed ## the same with a million keys, then with ten million: more than an hour [TURNS=3] [WHICH=...] [WORKS=...]
	@$(call side_by_side,all,3,1000000,$(SIDES),results,--reads=500000 --seconds=60)
	@$(call side_by_side,leveldb$(COMMA)newest$(COMMA)lmdb,2,10000000,$(LARGE),results-large,--reads=500000 --seconds=600)
	@$(draw)

bench-stairs: bench-peers-installed ## every stage at the same work, never synced: what each brought [N=100000] [TURNS=3] [WORKS=...]
	@$(call side_by_side,stages,3,100000,$(STEPS),stairs,--seconds=2)
	@$(draw)

bench-sizes: bench-peers-installed ## how speed changes with the number of keys [SIZES='10000 100000 1000000 10000000 30000000'] [TURNS=1] [WHICH=leveldb,newest,lmdb]
	@rm -f $B/bench/sizes-*.json
	@for n in $(or $(SIZES),10000 100000 1000000 10000000 30000000); do $(call side_by_side,leveldb$(COMMA)newest$(COMMA)lmdb,1,$$n,$(GROWS),sizes-$$n,--reads=200000 --seconds=600) || exit 1; done
	@$(draw)

bench-plot: install-plot ## pictures of what these have written [TO=docs/bench]
	@FROM=$B/bench TO=$(or $(TO),$B/bench) bench/plot.sh

# ---- Each question of its own ------------------------------------------------------------------

bench-costs: install-build ## the goals of stages 2 and 3 at their own size, some minutes [STAGE=N] [RUNS=3]
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh full

bench-open: install-build ## what opening costs with and without hints and checkpoint [STAGE=N] [RUNS=3]
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh opens

bench-layouts: install-build ## layouts of a block side by side, and the parts of a cached read [ENTRIES=1000000]
	@$(MAKE) --no-print-directory -s $B/bench/block_layouts
	@$B/bench/block_layouts $(ENTRIES)

bench-keys: install-build ## what index and filter take for difficult keys, and what bits of a filter buy, beside theory
	@$(MAKE) --no-print-directory -s $B/bench/difficult_keys
	@TMPDIR=$B/bench $B/bench/difficult_keys
	@echo && $B/bench/difficult_keys bits

bench-memtables: install-build ## memtables: skip list, B+tree, append leaves, unsorted log: insert, get, scan at 4 and 64 MiB [RUNS=3]
	@$(MAKE) --no-print-directory bench-build
	@$B/bench/strata-memtables $(if $(RUNS),--runs=$(RUNS))

bench-peers: install-build install-peers ## stages 4 and 5 beside LevelDB, in turns, about two minutes [N=1000000] [RUNS=3] [CHECK=1]
	@$(MAKE) --no-print-directory bench-build
	@B=$B N=$(N) RUNS=$(RUNS) CHECK=$(CHECK) TMPDIR=$B/bench bench/peers.sh

# RocksDB is optional: without it there is a table less.
bench-levels: install-build install-peers ## write and space amplification, put latencies, reads and compaction beside LevelDB and RocksDB [N=1000000] [TURNS=3] [WHICH='leveldb rocksdb 6'] [CHECK=1]
	@tests/tools/install.sh rocksdb || echo "RocksDB is left out"
	@$(MAKE) --no-print-directory bench-build
	@B=$B N=$(N) GETS=$(GETS) TURNS=$(TURNS) ENGINES="$(WHICH)" CACHE=$(CACHE) CHECK=$(CHECK) JSON=$B/bench/levels.json TMPDIR=$B/bench bench/levels.sh

bench-growth: install-build install-plot ## what an operation costs in blocks, filter probes and comparisons, from few keys to many: a table and a plot [SIZES='1000000 3000000 10000000 30000000'] [STAGE=6] [TO=docs/levels]
	@$(MAKE) --no-print-directory bench-build
	@B=$B SIZES="$(SIZES)" GETS=$(GETS) STAGE=$(STAGE) TO=$(or $(TO),$B/bench) TMPDIR=$B/bench bench/growth.sh

bench-large: install-build ## ten million keys: what load, open and scan need of memory [STAGE=N] [KEYS=10000000]
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) KEYS=$(KEYS) TMPDIR=$B/bench bench/large.sh

tour: ## real data through every stage: loaded, killed, restarted, measured [STAGE=N] [KEEP=1] [NO_INSTALL=1]
	@tests/tools/install.sh build tour
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) KEEP=$(KEEP) bench/tour.sh

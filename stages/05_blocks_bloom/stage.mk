05_blocks_bloom.USES := 01_append_log 02_hash_index 03_wal 04_memtable_sstable

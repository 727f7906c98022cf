02_hash_index.USES := 01_append_log

"""server_client.py: a client of Redis' protocol, and what server.sh asks with it.

    server_client.py WHAT PORT [ARGUMENT]     exit code 0: it was as it should be"""
import os
import socket
import sys
import threading
import time

PORT = int(sys.argv[2])


class Error(str):
    pass


class Client:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.file = self.socket.makefile("rb")

    def send(self, *commands):
        out = b""
        for command in commands:
            words = [w if isinstance(w, bytes) else str(w).encode() for w in command]
            out += b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
        self.socket.sendall(out)

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Error(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            data = self.file.read(size + 2)
            if len(data) != size + 2:
                raise EOFError
            return data[:-2]
        if kind == b"*":
            return None if int(rest) < 0 else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(rest))}
        raise ValueError(line)

    def __call__(self, *words):
        self.send(words)
        return self.read()


def words(text):
    return [w.encode().decode("unicode_escape").encode("latin1") if w != "''" else b"" for w in text.split()]


# What Redis' documentation says of each command: "name | command | reply" ("!": an error that begins so).
REPLIES = r"""
ping_of_a_word | PING hi | b'hi'
echo | ECHO x\r\ny | b'x\r\ny'
select_0 | SELECT 0 | 'OK'
select_1 | SELECT 1 | !ERR DB index is out of range
type_of_nothing | TYPE s | 'none'
set | SET s 1 | 'OK'
type | TYPE s | 'string'
set_nx_of_a_key | SET s 2 NX | None
set_xx | SET s 3 XX | 'OK'
set_xx_of_nothing | SET none 3 XX | None
set_get | SET s 4 GET | b'3'
set_get_nx | SET s 5 NX GET | b'4'
set_nx_xx | SET s 5 NX XX | !ERR syntax error
set_ex_keepttl | SET s 5 EX 5 KEEPTTL | !ERR syntax error
set_ex_0 | SET s 5 EX 0 | !ERR invalid expire time
set_ex_word | SET s 5 EX x | !ERR value is not an integer
set_ex_too_long | SET s 5 EX 9223372036854775807 | !ERR invalid expire time
get_is_as_before | GET s | b'4'
set_ex | SET s 5 EX 100 | 'OK'
ttl | TTL s | 100
set_keepttl | SET s 6 KEEPTTL | 'OK'
ttl_is_kept | TTL s | 100
incr_keeps_ttl | INCR s | 7
ttl_after_incr | TTL s | 100
append_keeps_ttl | APPEND s 0 | 2
ttl_after_append | TTL s | 100
setrange_keeps_ttl | SETRANGE s 1 1 | 2
ttl_after_setrange | TTL s | 100
get_after_all_that | GET s | b'71'
persist | PERSIST s | 1
persist_again | PERSIST s | 0
ttl_of_no_time | TTL s | -1
ttl_of_nothing | TTL none | -2
pttl_of_nothing | PTTL none | -2
set_takes_the_time_away | SET s 1 PX 100000 | 'OK'
set_without_time | SET s 1 | 'OK'
ttl_is_gone | TTL s | -1
expire | EXPIRE s 50 | 1
expire_of_nothing | EXPIRE none 50 | 0
ttl_after_expire | TTL s | 50
expireat_in_the_past | EXPIREAT s 1 | 1
get_of_the_past | GET s | None
setnx | SETNX t 1 | 1
setnx_again | SETNX t 2 | 0
setex | SETEX t 10 v | 'OK'
setex_ttl | TTL t | 10
getex_persist | GETEX t PERSIST | b'v'
getex_ttl | TTL t | -1
getex_ex | GETEX t EX 20 | b'v'
getex_ex_ttl | TTL t | 20
getex_alone | GETEX t | b'v'
getex_word | GETEX t KEEPTTL 3 | !ERR syntax error
getset | GETSET t w | b'v'
getdel | GETDEL t | b'w'
getdel_again | GETDEL t | None
mset | MSET a 1 b 2 | 'OK'
mset_odd | MSET a 1 b | !ERR wrong number of arguments for 'mset'
mget | MGET a none b | [b'1', None, b'2']
msetnx_of_a_key | MSETNX c 1 a 2 | 0
msetnx_did_nothing | EXISTS c | 0
msetnx | MSETNX c 1 d 2 | 1
exists_counts | EXISTS a b a none | 3
unlink | UNLINK a a b | 2
strlen | STRLEN d | 1
strlen_of_nothing | STRLEN none | 0
append_of_nothing | APPEND e Hello | 5
append | APPEND e World | 10
getrange | GETRANGE e 0 4 | b'Hello'
getrange_from_the_end | GETRANGE e -5 -1 | b'World'
getrange_beyond | GETRANGE e 5 100 | b'World'
getrange_of_none | GETRANGE e 7 3 | b''
setrange_beyond | SETRANGE f 3 x | 4
setrange_zeros | GET f | b'\x00\x00\x00x'
setrange_negative | SETRANGE f -1 x | !ERR offset is out of range
incr_of_text | INCR e | !ERR value is not an integer
incr_of_nothing | INCR n | 1
incrby | INCRBY n 10 | 11
decrby | DECRBY n 20 | -9
decr | DECR n | -10
incr_at_the_end | SET n 9223372036854775807 | 'OK'
incr_overflows | INCR n | !ERR increment or decrement would overflow
decr_at_the_other | SET n -9223372036854775808 | 'OK'
decr_overflows | DECR n | !ERR increment or decrement would overflow
incrby_word | INCRBY n x | !ERR value is not an integer
incr_of_leading_zero | SET n 01 | 'OK'
incr_of_that | INCR n | !ERR value is not an integer
empty_value | SET v '' | 'OK'
empty_value_get | GET v | b''
keys_of_pattern | KEYS [c-e] | [b'c', b'd', b'e']
keys_negated | KEYS [^c-e] | [b'f', b'n', b'v']
keys_question | KEYS ?? | []
dbsize | DBSIZE | 6
scan_word | SCAN x | !ERR invalid cursor
scan_unknown | SCAN 99999 | !ERR invalid cursor
scan_count_0 | SCAN 0 COUNT 0 | !ERR syntax error
scan_of_another_type | SCAN 0 TYPE hash | [b'0', []]
hset | HSET myhash field1 Hello | 1
hget | HGET myhash field1 | b'Hello'
hset_two | HSET myhash field2 Hi field3 World | 2
hset_again | HSET myhash field2 Hi | 0
hset_a_field_twice | HSET twice f 1 f 2 | 1
hlen_of_that | HLEN twice | 1
hset_odd | HSET myhash field1 | !ERR wrong number of arguments for 'hset'
hset_odd_5 | HSET myhash field1 1 field2 | !ERR wrong number of arguments for 'hset'
hgetall | HGETALL myhash | [b'field1', b'Hello', b'field2', b'Hi', b'field3', b'World']
hgetall_of_nothing | HGETALL none | []
hkeys | HKEYS myhash | [b'field1', b'field2', b'field3']
hvals | HVALS myhash | [b'Hello', b'Hi', b'World']
hlen | HLEN myhash | 3
hlen_of_nothing | HLEN none | 0
hmget | HMGET myhash field1 nofield field2 | [b'Hello', None, b'Hi']
hmget_of_nothing | HMGET none a b | [None, None]
hexists | HEXISTS myhash field1 | 1
hexists_not | HEXISTS myhash nofield | 0
hstrlen | HSTRLEN myhash field1 | 5
hsetnx | HSETNX myhash field4 x | 1
hsetnx_again | HSETNX myhash field4 y | 0
hsetnx_did_nothing | HGET myhash field4 | b'x'
hdel | HDEL myhash field4 nofield field4 | 1
hdel_not | HDEL myhash field4 | 0
hdel_of_nothing | HDEL none a | 0
hincrby_of_nothing | HINCRBY counter field 5 | 5
hincrby | HINCRBY counter field 1 | 6
hincrby_minus | HINCRBY counter field -10 | -4
hincrby_of_text | HINCRBY myhash field1 1 | !ERR hash value is not an integer
hincrby_word | HINCRBY counter field x | !ERR value is not an integer
hincrby_at_the_end | HSET counter field 9223372036854775807 | 0
hincrby_overflows | HINCRBY counter field 1 | !ERR increment or decrement would overflow
hmset | HMSET other a 1 b 2 | 'OK'
hash_type | TYPE myhash | 'hash'
hash_exists | EXISTS myhash none | 1
hash_of_bytes | HSET h\x00 '' '' g\xff 1 | 2
hash_of_bytes_get | HGETALL h\x00 | [b'', b'', b'g\xff', b'1']
get_of_hash | GET myhash | !WRONGTYPE Operation against a key holding the wrong kind of value
append_to_hash | APPEND myhash x | !WRONGTYPE
incr_of_hash | INCR myhash | !WRONGTYPE
strlen_of_hash | STRLEN myhash | !WRONGTYPE
getrange_of_hash | GETRANGE myhash 0 1 | !WRONGTYPE
setrange_of_hash | SETRANGE myhash 0 1 | !WRONGTYPE
getset_of_hash | GETSET myhash 1 | !WRONGTYPE
getdel_of_hash | GETDEL myhash | !WRONGTYPE
getex_of_hash | GETEX myhash | !WRONGTYPE
set_get_of_hash | SET myhash 1 GET | !WRONGTYPE
mget_of_hash | MGET myhash v | [None, b'']
hset_of_string | HSET v a 1 | !WRONGTYPE
hget_of_string | HGET v a | !WRONGTYPE
hmget_of_string | HMGET v a | !WRONGTYPE
hgetall_of_string | HGETALL v | !WRONGTYPE
hlen_of_string | HLEN v | !WRONGTYPE
hdel_of_string | HDEL v a | !WRONGTYPE
hincrby_of_string | HINCRBY v a 1 | !WRONGTYPE
hsetnx_of_string | HSETNX v a 1 | !WRONGTYPE
setnx_of_hash | SETNX myhash 1 | 0
set_nx_of_hash | SET myhash 1 NX | None
msetnx_of_hash | MSETNX new 1 myhash 1 | 0
hash_is_as_before | HLEN myhash | 3
scan_of_hashes | SCAN 0 TYPE hash COUNT 100 | [b'0', [b'h\x00', b'other', b'twice', b'myhash', b'counter']]
keys_of_hashes | KEYS *h*h* | [b'myhash']
hash_ttl | TTL myhash | -1
hash_expire | EXPIRE myhash 100 | 1
hash_ttl_is | TTL myhash | 100
hash_field_of_ttl | HSET myhash field5 x | 1
hash_ttl_after_hset | TTL myhash | 100
hash_persist | PERSIST myhash | 1
hash_ttl_is_gone | TTL myhash | -1
hash_of_that | HLEN myhash | 4
set_xx_of_hash | SET twice 1 XX | 'OK'
set_of_hash_get | GET twice | b'1'
set_of_hash_type | TYPE twice | 'string'
del_of_that | DEL twice | 1
hset_after_set | HSET twice g 1 | 1
hset_after_set_all | HGETALL twice | [b'g', b'1']
mset_of_hash | MSET twice 2 p 3 | 'OK'
mset_of_hash_get | MGET twice p | [b'2', b'3']
hdel_of_the_last | HDEL counter field | 1
hdel_of_the_last_type | TYPE counter | 'none'
del_of_hashes | DEL myhash other h\x00 twice p | 5
del_of_hash_all | HGETALL myhash | []
expireat_of_hash | HSET z a 1 b 2 | 2
expireat_of_hash_past | EXPIREAT z 1 | 1
expireat_of_hash_gone | HGETALL z | []
dbsize_of_no_hash | DBSIZE | 6
multi_of_hash | MULTI | 'OK'
multi_hset | HSET mh a 1 b 2 | 'QUEUED'
multi_hincrby | HINCRBY mh a 1 | 'QUEUED'
multi_hgetall | HGETALL mh | 'QUEUED'
multi_hdel | HDEL mh a | 'QUEUED'
multi_get_of_hash | GET mh | 'QUEUED'
multi_set_of_hash | SET mh 1 | 'QUEUED'
multi_type | TYPE mh | 'QUEUED'
multi_exec_of_hash | EXEC | [2, 2, [b'a', b'2', b'b', b'2'], 1, 'WRONGTYPE Operation against a key holding the wrong kind of value', 'OK', 'string']
multi_left_no_field | HGET mh b | !WRONGTYPE
multi_del | DEL mh | 1
key_of_the_servers_own | SET \xffhash\x00\x00\x00\x01a 1 | !ERR keys that begin with
key_of_the_servers_own_in_mset | MSET a 1 \xffhash 1 | !ERR keys that begin with
key_of_the_servers_own_as_a_value | SET w \xffhash | 'OK'
range_hash | HSET rhash a 1 | 1
range_set | MSET ra 1 rb 2 rc 3 \xff\xff 9 | 'OK'
range | RANGE ra rc | [b'ra', b'1', b'rb', b'2']
range_limit | RANGE r '' LIMIT 3 | [b'ra', b'1', b'rb', b'2', b'rc', b'3']
range_over_hashes | RANGE rb '' | [b'rb', b'2', b'rc', b'3', b'v', b'', b'w', b'\xffhash', b'\xff\xff', b'9']
range_limit_0 | RANGE ra rc LIMIT 0 | []
range_of_none | RANGE rc ra | []
range_word | RANGE ra rc LIMIT x | !ERR value is not an integer
range_syntax | RANGE ra rc COUNT 1 | !ERR syntax error
revrange | REVRANGE ra rc | [b'rb', b'2', b'ra', b'1']
revrange_limit | REVRANGE r '' LIMIT 3 | [b'\xff\xff', b'9', b'w', b'\xffhash', b'v', b'']
revrange_all | REVRANGE w '' | [b'\xff\xff', b'9', b'w', b'\xffhash']
range_del | DEL rhash ra rb rc w \xff\xff | 6
unknown | NOSUCH a | !ERR unknown command 'NOSUCH'
too_few | GET | !ERR wrong number of arguments for 'get'
too_many | GET a b | !ERR wrong number of arguments for 'get'
exec_alone | EXEC | !ERR EXEC without MULTI
discard_alone | DISCARD | !ERR DISCARD without MULTI
multi | MULTI | 'OK'
multi_twice | MULTI | !ERR MULTI calls can not be nested
watch_in_multi | WATCH a | !ERR WATCH inside MULTI
queued | SET m 1 | 'QUEUED'
queued_incr | INCR m | 'QUEUED'
queued_get | GET m | 'QUEUED'
queued_error | INCR e | 'QUEUED'
exec | EXEC | ['OK', 2, b'2', 'ERR value is not an integer or out of range']
multi_again | MULTI | 'OK'
unknown_in_multi | NOSUCH | !ERR unknown command
set_in_multi | SET m 9 | 'QUEUED'
exec_is_aborted | EXEC | !EXECABORT
exec_did_nothing | GET m | b'2'
multi_to_discard | MULTI | 'OK'
set_to_discard | SET m 9 | 'QUEUED'
discard | DISCARD | 'OK'
discard_did_nothing | GET m | b'2'
wait | WAIT 0 100 | 0
wait_negative | WAIT 1 -1 | !ERR timeout is negative
waitaof | WAITAOF 1 0 0 | [1, 0]
waitaof_of_two | WAITAOF 2 0 0 | !ERR value is out of range
waitaof_word | WAITAOF x 0 0 | !ERR value is not an integer
save_without_a_place | SAVE | !ERR strata serve was given no --backups
bgsave_in_multi | MULTI | 'OK'
bgsave_is_not_queued | BGSAVE | !ERR Command not allowed inside a transaction
bgsave_discard | DISCARD | 'OK'
command_info | COMMAND INFO get mset nosuch | [[b'get', 2, ['readonly'], 1, 1, 1, [], [], [], []], [b'mset', -3, ['write'], 1, -1, 2, [], [], [], []], None]
command_docs | COMMAND DOCS ping | [b'ping', [b'group', b'connection', b'arity', -1]]
command_unknown | COMMAND NOSUCH | !ERR unknown subcommand
client_id | CLIENT SETNAME me | 'OK'
client_name | CLIENT GETNAME | b'me'
config_get | CONFIG GET save | [b'save', b'']
auth_without_password | AUTH x | !ERR AUTH <password> called without any password
hello_4 | HELLO 4 | !NOPROTO
flushdb | FLUSHDB | 'OK'
flushdb_did | DBSIZE | 0
randomkey_of_nothing | RANDOMKEY | None
"""


def show(name, good):
    print("ok" if good else "not", name)
    return good


def replies():
    r, good = Client(), True
    for line in REPLIES.strip().splitlines():
        name, command, want = line.split(" | ")
        got = r(*words(command))
        fine = isinstance(got, Error) and got.startswith(want[1:]) if want[0] == "!" else got == eval(want)
        if not fine:
            print("# %s: %r, wanted %s" % (command, got, want))
        good &= show(name, fine)
    n = r("COMMAND", "COUNT")
    names = r("COMMAND", "LIST")
    good &= show("command_counts_them_all", n == len(names) == len(set(names)) == len(r("COMMAND")) == len(r("COMMAND", "DOCS")) // 2)
    good &= show("command_knows_each", all(r("COMMAND", "INFO", name)[0][0] == name for name in names))
    return good & watched() & expires() & scans() & third()


def watched():
    a, b = Client(), Client()
    a("SET", "w", 1), a("WATCH", "w", "x"), b("SET", "other", 1), a("MULTI"), a("SET", "w", 2)
    good = show("watch_of_another_key_lets_exec_run", a("EXEC") == ["OK"])
    a("WATCH", "w"), b("SET", "w", 3), a("MULTI"), a("SET", "w", 4)
    good &= show("watch_of_a_written_key_stops_exec", a("EXEC") is None and a("GET", "w") == b"3")
    a("WATCH", "none"), b("SET", "none", 3), a("MULTI"), a("SET", "w", 4)
    good &= show("watch_of_a_key_that_was_not_there_stops_exec", a("EXEC") is None)
    for change in (("HSET", "h", "a", 2), ("HSET", "h", "b", 1), ("HDEL", "h", "b"), ("EXPIRE", "h", 100), ("DEL", "h"),
                   ("HSET", "h", "a", 1), ("SET", "h", 1), ("SET", "other", 2)):
        a("WATCH", "h"), b(*change), a("MULTI"), a("PING")
        good &= show("watch_of_hash_%s" % "_".join(map(str, change)), a("EXEC") == (["PONG"] if change[1] == "other" else None))
    a("WATCH", "w"), b("SET", "w", 5), a("UNWATCH"), a("MULTI"), a("SET", "w", 6)
    return good & show("unwatch_lets_exec_run", a("EXEC") == ["OK"])


def expires():
    r = Client()
    r("SET", "soon", "x", "PX", 60)
    good = show("get_before_its_time", r("GET", "soon") == b"x")
    r("HSET", "gone", "a", 1, "b", 2), r("PEXPIRE", "gone", 60)
    time.sleep(0.1)
    good &= show("hash_after_its_time", r("HGETALL", "gone") == [] and r("HSET", "gone", "c", 3) == 1 and r("HLEN", "gone") == 1)
    return good & show("get_after_its_time", r("GET", "soon") is None and r("EXISTS", "soon") == 0)


def scans():
    r = Client()
    r("FLUSHDB")
    r("MSET", *sum(([b"key%04d" % i, i] for i in range(1000)), []))
    seen, cursor, steps = [], 0, 0
    while steps == 0 or cursor:
        cursor, some = r("SCAN", cursor, "COUNT", 7)
        cursor, seen, steps = int(cursor), seen + some, steps + 1
        r("SET", b"new%d" % steps, 1)
        r("DEL", b"key%04d" % (steps % 5))
    for i in range(300):
        r("HSET", b"hash%d" % i, *sum(([b"f%d" % f, f] for f in range(i % 7 + 1)), []))
    hashes, cursor = [], 0
    while not hashes or cursor:
        cursor, some = r("SCAN", cursor, "COUNT", 11, "TYPE", "hash")
        cursor, hashes = int(cursor), hashes + some
    good = show("scan_shows_each_hash_once", sorted(hashes) == sorted(b"hash%d" % i for i in range(300)))
    good &= show("dbsize_counts_keys_not_fields", r("DBSIZE") == len(r("KEYS", "*")) and len(r("KEYS", "hash*")) == 300)
    kept = [k for k in seen if k.startswith(b"key")]
    good &= show("scan_shows_each_key_once", kept == [b"key%04d" % i for i in range(1000)])
    return good & show("randomkey_is_a_key", r("EXISTS", r("RANDOMKEY")) == 1)


def third():
    r = Client()
    good = show("hello_3_answers_a_map", r("HELLO", 3)[b"proto"] == 3)
    r("HSET", "third", "a", 1)
    good &= show("hgetall_in_version_3_is_a_map", r("HGETALL", "third") == {b"a": b"1"})
    good &= show("version_3_has_a_null_of_its_own", (r.send(("GET", "nothing")), r.file.readline())[1] == b"_\r\n")
    return good


def garbage():
    for bytes_ in (b"*1\r\n$999999999999\r\n", b"*99999999\r\n", b"*1\r\nx", b'"' + b"a\r\n", b"x" * 200000,
                   os.urandom(300000).replace(b"\n", b"x"), b"*-1\r\n*0\r\n\r\n*1\r\n$-5\r\n"):
        s = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        try:
            s.sendall(bytes_)
            got = b""
            while True:
                more = s.recv(4096)
                if not more:
                    break
                got += more
            assert b"-ERR Protocol error" in got, got
        except (BrokenPipeError, ConnectionResetError):
            pass
    return Client()("PING") == "PONG"


def memory():
    with open("/proc/%d/statm" % server_id()) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def server_id():
    info = Client()("INFO")
    return int([l for l in info.split(b"\r\n") if l.startswith(b"process_id:")][0][11:])


def slow_reader():
    r, slow = Client(), Client()
    r("SET", "big", b"x" * 1000000)
    before = memory()
    slow.socket.setblocking(False)
    try:
        for _ in range(5000):
            slow.socket.send(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n")
    except BlockingIOError:
        pass
    begin = time.time()
    good = r("PING") == "PONG" and time.time() - begin < 10
    return good and memory() - before < 64 << 20


def crowd():
    all_ = [Client() for _ in range(500)]
    for i, c in enumerate(all_):
        c.send(("SET", "crowd%d" % i, i), ("GET", "crowd%d" % i), ("INCR", "crowd"))
    got = [[c.read(), c.read(), c.read()] for c in all_]
    return [g[:2] for g in got] == [["OK", b"%d" % i] for i in range(500)] and \
        sorted(g[2] for g in got) == list(range(1, 501))


def pieces():
    r = Client()
    for byte in b'*3\r\n$3\r\nSET\r\n$1\r\np\r\n$4\r\na\r\nb\r\nset q "c \\x41"\r\n':
        r.socket.sendall(bytes([byte]))
        time.sleep(0.001)
    return [r.read(), r.read(), r("GET", "p"), r("GET", "q")] == ["OK", "OK", b"a\r\nb", b"c A"]


def half_open():
    """What was sent before the end is answered."""
    r = Client()
    r.send(*[("INCR", "half")] * 5000)
    r.socket.shutdown(socket.SHUT_WR)
    return [r.read() for _ in range(5000)] == list(range(1, 5001)) and r.file.read() == b""


def ping():
    return Client()("PING") == "PONG"


def idle():
    """Who says nothing for more than a second is ended, who says something is not."""
    silent, busy = Client(), Client()
    for _ in range(10):
        time.sleep(0.3)
        if busy("PING") != "PONG":
            return False
    return silent.socket.recv(1) == b""


def ended(client):
    try:
        while client.socket.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass
    return True


def memory_bound():
    """Requests that do not end, and a reply that is too large: these clients are ended, others are not."""
    r, before, hogs = Client(), memory(), []
    for _ in range(8):
        hog = Client()
        hogs.append(hog)
        try:
            hog.socket.sendall(b"*2\r\n$4\r\nECHO\r\n$9000000\r\n" + b"x" * 5000000)
        except (BrokenPipeError, ConnectionResetError):
            pass
    good = r("PING") == "PONG" and memory() - before < 40 << 20
    for hog in hogs:
        hog.file.close()
        hog.socket.close()
    while info(r, "connected_clients") != "1":
        time.sleep(0.01)
    for i in range(6):
        r("SET", "large%d" % i, b"x" * 5000000)
    large = Client()
    large.send(["MGET"] + ["large%d" % i for i in range(6)])
    return ended(large) and r("PING") == "PONG" and good


def info(r, name):
    return [l for l in r("INFO").decode().split("\r\n") if l.startswith(name + ":")][0].split(":", 1)[1]


def saves():
    r = Client()
    r("SET", "fruit", "apple")
    good = info(r, "unsynced_writes") == "1"
    time.sleep(1.6)
    good &= info(r, "unsynced_writes") == "0"
    r("SET", "fruit", "apple")
    good &= r("WAITAOF", 1, 0, 0) == [1, 0] and info(r, "unsynced_writes") == "0"
    then = r("LASTSAVE")
    time.sleep(1.1)
    good &= r("BGSAVE") == "Background saving started"
    for _ in range(200):
        if info(r, "rdb_bgsave_in_progress") == "0":
            break
        time.sleep(0.05)
    return good and r("LASTSAVE") > then and info(r, "rdb_last_bgsave_status") == "ok"


def backup():
    return Client()("BGSAVE") == "Background saving started"


def fill():
    """More than 8 MiB, read again."""
    r = Client()
    for i in range(0, 40000, 100):
        r.send(*[("SET", "fill%05d" % n, os.urandom(400)) for n in range(i, i + 100)])
        good = all(r.read() == "OK" for _ in range(100))
    for i in range(0, 40000, 100):
        r.send(*[("GET", "fill%05d" % n) for n in range(i, i + 100)])
        good &= all(len(r.read()) == 400 for _ in range(100))
    return good


def load_one(number, said):
    """Pipelines of a SET, and a MULTI of two keys; what was answered is written down."""
    try:
        r = Client()
        for i in range(100000):
            r.send(("SET", "a%d" % number, i), ("MULTI",), ("SET", "b%d" % number, i),
                   ("SET", "c%d" % number, i), ("EXEC",))
            if [r.read() for _ in range(5)] != ["OK", "OK", "QUEUED", "QUEUED", ["OK", "OK"]]:
                return
            said[number] = i
            if i == 20 and number == 0:
                with open(sys.argv[3], "w") as f:
                    f.write("begun\n")
    except (OSError, EOFError):
        pass


def load():
    said = [-1] * 20
    threads = [threading.Thread(target=load_one, args=(n, said), daemon=True) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    with open(sys.argv[3], "w") as f:
        f.write(" ".join(map(str, said)))
    return True


def check():
    r, good = Client(), True
    with open(sys.argv[3]) as f:
        said = list(map(int, f.read().split()))
    for n, i in enumerate(said):
        a, b, c = (int(v if v is not None else -1) for v in r("MGET", "a%d" % n, "b%d" % n, "c%d" % n))
        if a < i or b < i or b != c or not b <= a <= b + 1:
            print("client %d: got %d; there are %d %d %d" % (n, i, a, b, c), file=sys.stderr)
            good = False
    return good and max(said) >= 20


def password():
    r = Client()
    good = all(r(*w).startswith("NOAUTH") for w in (("PING",), ("GET", "a"), ("NOSUCH",), ("SHUTDOWN",), ("MULTI",)))
    stranger = Client()
    stranger.send(("ECHO", b"x" * 20000))
    good &= stranger.read().startswith("ERR Protocol error")
    good &= r("AUTH", "open").startswith("WRONGPASS") and r("AUTH", "open sesamE").startswith("WRONGPASS")
    good &= r("AUTH", "").startswith("WRONGPASS") and r("GET", "a").startswith("NOAUTH")
    good &= r("AUTH", "someone", sys.argv[3]).startswith("WRONGPASS") and r("AUTH", sys.argv[3]) == "OK"
    good &= r("GET", "a") is None and r("ECHO", b"x" * 20000) == b"x" * 20000
    r = Client()
    return good and r("HELLO", 3, "AUTH", "default", sys.argv[3])[b"proto"] == 3 and r("PING") == "PONG"


sys.exit(0 if globals()[sys.argv[1]]() else 1)

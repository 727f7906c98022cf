/* mdb_test.c: the text of mdb_dump and db_dump: what LMDB and Berkeley DB write, what load would
 * lose and refuses, and where a fault is. */
#include "told.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n"
#define PRINT "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n"

static void expect(const char *text, const char *wanted)
{
    assert_string_equal(told_of(ENTRIES_MDB, TEXT_ESCAPED, strata_string(text)), wanted);
}

static void faulty(const char *text, const char *place, enum text_fault fault)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s!%d", place, (int)fault);
    expect(text, wanted);
}

static void mdb_pairs_of_lines_are_entries(void **state)
{
    (void)state;
    expect(HEAD "DATA=END\n", "");
    expect(HEAD "DATA=END", "");
    expect(HEAD " 61\n 31\n 62\n 3233\nDATA=END\n", "5[a=1] 7[b=23] ");
    expect(HEAD " \n \n 6A4b\n \nDATA=END\n", "5[=] 7[jK=] ");
}

/* What is not known is passed over, as mdb_load does; without a format it is bytevalue. */
static void mdb_headers_of_both_programs_are_read(void **state)
{
    (void)state;
    expect("VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=1048576\nmaxreaders=126\n"
           "db_pagesize=4096\nHEADER=END\n 61\n 62\nDATA=END\n",
           "8[a=b] ");
    expect("VERSION=3\nformat=print\ndatabase=a\\00b\ntype=hash\nh_nelem=2\ndb_lorder=1234\n"
           "duplicates=0\ndupsort=0\nkeys=1\nchksum=1\nHEADER=END\n a\n b\nDATA=END\n",
           "12[a=b] ");
    expect("VERSION=2\nHEADER=END\n 61\n 62\nDATA=END\n", "3[a=b] ");
    expect("VERSION=3\ndatabase=HEADER=END and so on, beyond what is looked at\nreversekey=1\n"
           "=\nHEADER=END\n 61\n 62\nDATA=END\n",
           "6[a=b] ");
}

static void mdb_printed_bytes_stand_for_themselves_but_for_escapes(void **state)
{
    (void)state;
    expect(PRINT " a b\n  \n \\\\\\41\\62c\n \nDATA=END\n", "5[a b= ] 7[\\Abc=] ");
    expect(PRINT " \\\\\n \\5C\\5c\n \tx\xc3\xa9\n \nDATA=END\n", "5[\\=\\\\] 7[\tx\xc3\xa9=] ");
    expect(PRINT " \\4a\\4B\\4f\n \\\\41\nDATA=END\n", "5[JKO=\\41] ");
    expect(PRINT "  DATA=END\n \nDATA=END\n", "5[ DATA=END=] ");
}

static void mdb_header_asks_for_what_is_not_had(void **state)
{
    (void)state;
    faulty("", "1:1", TEXT_NO_VERSION);
    faulty("VERSION", "1:1", TEXT_NO_VERSION);
    faulty("VERSION\n", "1:1", TEXT_NO_VERSION);
    faulty("key\tvalue\n", "1:1", TEXT_NO_VERSION);
    faulty("format=print\nVERSION=3\n", "1:1", TEXT_NO_VERSION);
    faulty("VERSION=1\n", "1:9", TEXT_BAD_VERSION);
    faulty("VERSION=3\r\n", "1:9", TEXT_BAD_VERSION);
    faulty("VERSION=30\n", "1:9", TEXT_BAD_VERSION);
    faulty("VERSION=3\nVERSION=4\n", "2:9", TEXT_BAD_VERSION);
    faulty("VERSION=3\nformat=hex\n", "2:8", TEXT_BAD_FORMAT);
    faulty("VERSION=3\nformat=printable\n", "2:8", TEXT_BAD_FORMAT);
    faulty("VERSION=3\nformat=bytevalue and more than is looked at\n", "2:8", TEXT_BAD_FORMAT);
    faulty("VERSION=3\ntype=recno\n", "2:6", TEXT_BAD_TYPE);
    faulty("VERSION=3\nduplicates=1\n", "2:12", TEXT_DUPLICATES);
    faulty("VERSION=3\ndupsort=1\n", "2:9", TEXT_DUPLICATES);
    faulty("VERSION=3\nkeys=0\n", "2:6", TEXT_NO_KEYS);
    faulty("VERSION=3\n 61\n", "2:4", TEXT_NO_EQUALS);
    faulty("VERSION=3\n\n", "2:1", TEXT_NO_EQUALS);
    faulty("VERSION=3\nHEADER=END", "2:11", TEXT_HEADER_OPEN);
    faulty("VERSION=3", "1:10", TEXT_HEADER_OPEN);
    faulty("VERSION=3\n", "2:1", TEXT_HEADER_OPEN);
}

static void mdb_fault_names_line_and_column(void **state)
{
    static const char nul[] = PRINT " a\\\0\n";
    char wanted[40];

    (void)state;
    faulty(HEAD "61\n", "5:1", TEXT_NO_SPACE);
    faulty(HEAD "\n", "5:1", TEXT_NO_SPACE);
    faulty(HEAD "DATA=ENDS\n", "5:1", TEXT_NO_SPACE);
    faulty(HEAD "DATE=END\n", "5:1", TEXT_NO_SPACE);
    faulty(HEAD " 61\nDATA=END\n", "6:1", TEXT_NO_VALUE);
    faulty(HEAD " 61\n61\n", "6:1", TEXT_NO_SPACE);
    faulty(HEAD " 61\n 6g\n", "6:3", TEXT_BAD_DIGIT);
    faulty(HEAD " 61 \n", "5:4", TEXT_BAD_DIGIT);
    faulty(HEAD " 616\n", "5:4", TEXT_ODD);
    faulty(PRINT " a\\\n b\n", "5:3", TEXT_BAD_PRINT);
    faulty(PRINT " a\\4\n b\n", "5:3", TEXT_BAD_PRINT);
    faulty(PRINT " a\\4g\n", "5:3", TEXT_BAD_PRINT);
    faulty(PRINT " a\\n\n", "5:3", TEXT_BAD_PRINT);
    faulty(PRINT " a\\4\\\\\n", "5:3", TEXT_BAD_PRINT);
    faulty(PRINT " a\n b\r\n", "6:3", TEXT_PRINT_RETURN);
    snprintf(wanted, sizeof wanted, "5:3!%d", TEXT_BAD_PRINT);
    assert_string_equal(told_of(ENTRIES_MDB, TEXT_ESCAPED, strata_bytes(nul, sizeof nul)), wanted);
}

/* An input that was cut anywhere tells so: no dump that ended too early is taken for a whole one.
 */
static void mdb_input_cut_short_is_a_fault(void **state)
{
    static const char text[] = PRINT " \\61\n b\nDATA=END";

    (void)state;
    for (size_t size = 0; size < sizeof text - 1; size++) {
        struct told told;
        told_decode(ENTRIES_MDB, TEXT_ESCAPED, strata_bytes(text, size), 7, &told);
        assert_non_null(strchr(told.text, '!'));
    }
    expect(text, "5[a=b] ");
    faulty(PRINT " a", "5:3", TEXT_DATA_OPEN);
    faulty(PRINT " a\n", "6:1", TEXT_DATA_OPEN);
    faulty(HEAD "DATA=EN", "5:8", TEXT_DATA_OPEN);
}

static void mdb_second_database_is_a_fault(void **state)
{
    char wanted[40];

    (void)state;
    snprintf(wanted, sizeof wanted, "5[a=b] 8:1!%d", TEXT_BEHIND_END);
    expect(HEAD " 61\n 62\nDATA=END\n" HEAD, wanted);
    expect(HEAD " 61\n 62\nDATA=END\n\n", wanted);
}

static void mdb_key_beyond_the_limit_is_a_fault(void **state)
{
    size_t size = STRATA_MAX_KEY + 1, head = strlen(PRINT);
    char *text = malloc(head + 1 + size);
    struct told told;

    (void)state;
    assert_non_null(text);
    memcpy(text, PRINT " ", head + 1);
    memset(text + head + 1, 'k', size);
    for (size_t piece = 1; piece <= size; piece = piece * 7 + 1) {
        told_decode(ENTRIES_MDB, TEXT_ESCAPED, strata_bytes(text, head + 1 + size), piece, &told);
        assert_string_equal(told.text, "5:65538!4");
    }
    told_decode(ENTRIES_MDB, TEXT_ESCAPED, strata_bytes(text, head + size), 4096, &told);
    assert_null(strstr(told.text, "!4"));
    free(text);
}

static void mdb_is_written_as_mdb_load_reads_it(void **state)
{
    struct strata_buffer to = {0};
    struct text_sink sink = told_sink(&to);

    (void)state;
    assert_true(entries_put_head(&sink, ENTRIES_MDB));
    assert_true(
        entries_put(&sink, ENTRIES_MDB, TEXT_ESCAPED, strata_string("k"), strata_bytes("\0\n", 2)));
    assert_true(entries_put_tail(&sink, ENTRIES_MDB));
    assert_int_equal(strata_buffer_append(&to, "", 1), 0);
    assert_string_equal((char *)to.data, "VERSION=3\nformat=bytevalue\ntype=btree\n"
                                         "mapsize=274877906944\nHEADER=END\n"
                                         " 6b\n 000a\nDATA=END\n");
    strata_buffer_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mdb_pairs_of_lines_are_entries),
        cmocka_unit_test(mdb_headers_of_both_programs_are_read),
        cmocka_unit_test(mdb_printed_bytes_stand_for_themselves_but_for_escapes),
        cmocka_unit_test(mdb_header_asks_for_what_is_not_had),
        cmocka_unit_test(mdb_fault_names_line_and_column),
        cmocka_unit_test(mdb_input_cut_short_is_a_fault),
        cmocka_unit_test(mdb_second_database_is_a_fault),
        cmocka_unit_test(mdb_key_beyond_the_limit_is_a_fault),
        cmocka_unit_test(mdb_is_written_as_mdb_load_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

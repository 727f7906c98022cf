/* 08_crash_test.c: the same as at stage 7, where a backup copies every entry: here it links tables
 * and copies logs. */
#include "07_crash_test.c"

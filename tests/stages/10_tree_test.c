/* 10_tree_test.c: the tests of stage 7's tree, with stage 10's parts. */
#define SUFFIX ".table"
#include "07_tree_test.c"

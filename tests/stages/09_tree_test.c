/* 09_tree_test.c: the tests of stage 7's tree, with stage 9's parts. */
#define SUFFIX ".table"
#include "07_tree_test.c"

/* deposit.c: adds to an account, in a transaction.
 *
 *     ./deposit accounts ann 100
 *
 * cc -o deposit deposit.c $(pkg-config --cflags --libs strata) */
#include <strata.h>
#include <stdio.h>
#include <stdlib.h>

struct order {
    struct strata_slice account;
    long amount, sum;
};

/* It may be run more than once, so it does nothing but use the transaction. */
static int deposit(struct strata_txn *txn, void *arg, struct strata_error *err)
{
    struct order *order = (struct order *)arg;
    struct strata_buffer value = {NULL, 0, 0, false};
    char number[24];
    int rc = strata_txn_get_for_update(txn, order->account, &value, err);

    order->sum = order->amount; /* a missing account is empty */
    if (rc == 0 && value.size < sizeof number) {
        snprintf(number, sizeof number, "%.*s", (int)value.size, (const char *)value.data);
        order->sum += strtol(number, NULL, 10);
    }
    strata_buffer_free(&value);
    if (rc != 0 && rc != STRATA_NOT_FOUND)
        return rc; /* its writes are dropped; after CONFLICT or DEADLOCK it is run again */
    snprintf(number, sizeof number, "%ld", order->sum);
    return strata_txn_put(txn, order->account, strata_string(number), err); /* 0: commit */
}

int main(int argc, char **argv)
{
    struct strata_options options;
    struct strata_error err;
    struct strata *db;
    struct order order;
    char text[600];
    int rc;

    if (argc != 4)
        return fprintf(stderr, "usage: %s DIR ACCOUNT AMOUNT\n", argv[0]), 2;
    order.account = strata_string(argv[2]);
    order.amount = strtol(argv[3], NULL, 10);
    strata_options_init(&options);
    options.create = true;
    rc = strata_open(argv[1], &options, &db, &err);
    if (rc == 0) {
        rc = strata_transact(db, NULL, deposit, &order, &err);
        strata_close(db, NULL); /* the commit is durable, or has failed */
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", strata_error_text(&err, text, sizeof text));
    else if (rc > 0) /* CONFLICT, DEADLOCK, TIMEOUT: others were in the way each time */
        fprintf(stderr, "busy\n");
    else
        printf("%ld\n", order.sum);
    return rc != 0;
}

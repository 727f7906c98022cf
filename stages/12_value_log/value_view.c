/* value_view.c: values that are borrowed. One that is kept apart is lent where it lies in the block
 * cache: it was checked as it was read into that, and stays there while the view has it, whatever
 * becomes of its file. Any other is copied. */
#include "12_value_log/value_tree.h"

static void give_back(struct strata_view *view)
{
    struct value_pin pin = {view->value, view->pinned[1]};

    value_set_unpin(view->pinned[0], &pin);
}

/* view->copy has a pointer. */
static int lend(struct value_set *set, struct strata_slice key, struct strata_view *view,
                struct strata_error *err)
{
    struct value_pin pin = {0};
    struct pointer pointer;
    int rc;

    pointer_decode(strata_buffer_slice(&view->copy), &pointer);
    strata_buffer_clear(&view->copy);
    rc = value_set_pin(set, &pointer, key, NULL, &pin, err);
    if (rc < 0)
        return rc;
    view->value = pin.value;
    view->pinned[0] = set;
    view->pinned[1] = pin.frame;
    view->release = give_back;
    return 0;
}

/* As snapshot_find, in a section. */
static int find(struct snapshot_tree *t, uint64_t number, struct strata_slice key,
                struct strata_view *view, struct strata_error *err)
{
    const struct super *super = t->tree.super; /* 10.I14 */
    uint64_t sequence = t->tree.path.sequence - 1;
    unsigned type;
    int rc;

    rc = snapshot_look(super, number < sequence ? number : sequence, key, &type, &view->copy, err);
    if (rc == 0 && type == SSTABLE_CODED)
        rc = lend(value_set_of(t->tree.common), key, view, err);
    return rc == 0 && type == STRATA_OP_DELETE ? STRATA_NOT_FOUND : rc;
}

int value_borrow(void *self, void *snapshot, struct strata_slice key, struct strata_view *view,
                 struct strata_error *err)
{
    struct snapshot_tree *t = self;
    uint64_t number = snapshot ? snapshot_number(self, snapshot) : UINT64_MAX;
    struct epoch_section section;
    int rc;

    if (t->background)
        work_run(&t->background->work);
    striped_add(&t->tree.gets, 0, 1);
    section = epoch_enter(&t->epoch);
    rc = find(t, number, key, view, err);
    epoch_leave(section);
    return rc;
}

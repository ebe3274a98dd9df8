/* local.c - the newest answers in the actor's own store: for founders without a web app, and tests. */
#include "app.h"

static void perform(const struct task *task, struct store_txn *txn, struct verdict *verdict)
{
    enum fault fault = tree_save(txn, APP_TABLE_ANSWERS,
                                 text_slice(tree_text(task->payload, "member")), task->payload);
    if (fault == OK) {
        verdict_set(verdict, VERDICT_DONE, "kept");
    } else {
        verdict_set(verdict, fault_again(fault) ? VERDICT_AGAIN : VERDICT_NEVER, "%s",
                    fault_words(fault));
    }
}

const struct adapter app_local = {.name = "local", .steps_max = 1, .perform = perform};

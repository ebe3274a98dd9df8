/* handle_audit.c - who did what, and why: a filter of the journal. */
#include "handlers.h"

#include "projection.h"
#include "read.h"

static enum fault look_list(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    return projection_audit(txn, read_query(visit, "who"), read_query(visit, "q"),
                            read_query(visit, "after"), read_limit(visit), answer);
}

void audit_list(struct visit *visit)
{
    read_answer(visit, look_list);
}

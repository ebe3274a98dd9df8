#include "read.h"

#include "reply.h"

#include <stdlib.h>

const char *read_query(const struct visit *visit, const char *name)
{
    const char *value = web_query(visit->request, name);
    return value ? value : "";
}

size_t read_limit(const struct visit *visit)
{
    int limit = atoi(read_query(visit, "limit"));
    return limit < 1 ? READ_LIMIT : limit > READ_LIMIT_MAX ? READ_LIMIT_MAX : (size_t)limit;
}

enum fault read_in(const struct visit *visit, read_look *look, json_t **answer)
{
    struct store_txn *txn = NULL;
    *answer = NULL;
    enum fault fault = store_begin(actor_store(visit->console->actor), false, &txn);
    if (fault == OK) {
        fault = look(txn, visit, answer);
    }
    store_abort(&txn);
    if (fault != OK) {
        json_decref(*answer);
        *answer = NULL;
    }
    return fault;
}

void read_answer(const struct visit *visit, read_look *look)
{
    json_t *answer;
    enum fault fault = read_in(visit, look, &answer);
    if (fault == OK) {
        reply_json(visit, 200, answer);
    } else {
        reply_fault(visit, fault);
    }
}

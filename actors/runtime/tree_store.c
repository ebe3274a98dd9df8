#include "actor.h"

enum fault tree_load(struct store_txn *txn, int table, struct slice key, json_t **out)
{
    struct slice value;
    *out = NULL;
    enum fault fault = store_get(txn, table, key, &value);
    if (fault == FAULT_NOT_FOUND) {
        return OK;
    }
    if (fault == OK && value_unpack(value.bytes, value.len, out) != OK) {
        fault = FAULT_CORRUPT; /* we wrote it: the disk did not keep it */
    }
    return fault;
}

enum fault tree_save(struct store_txn *txn, int table, struct slice key, const json_t *tree)
{
    struct buf packed = {0};
    value_pack(tree, &packed);
    enum fault fault = store_put(txn, table, key, (struct slice){packed.bytes, packed.len});
    buf_fini(&packed);
    return fault;
}

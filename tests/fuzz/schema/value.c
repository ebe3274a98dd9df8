/* value.c - any bytes as msgpack: the scan never lets through what the tree maker cannot take, and
 * a tree packs to bytes that give the same tree. */
#include "must.h"
#include "values.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    json_t *tree, *again;
    if (value_unpack(bytes, len, &tree) != OK) {
        return 0;
    }
    struct buf packed = {0};
    value_pack(tree, &packed);
    MUST(value_unpack(packed.bytes, packed.len, &again) == OK);
    MUST(json_equal(tree, again));
    json_decref(tree);
    json_decref(again);
    buf_fini(&packed);
    return 0;
}

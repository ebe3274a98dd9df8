/* Trees in a store: what is saved comes back, and bytes that are no tree are damage. */
#include "actor.h"

#include "must.h"
#include "test.h"

static char *folder;
static struct store *store;
static struct store_txn *txn;

static int set_up(void **state)
{
    (void)state;
    static const char *const tables[] = {"trees", NULL};
    struct store_options options = {.tables = tables, .format = 1};
    folder = test_folder();
    assert_int_equal(store_open(folder, &options, &store), OK);
    assert_int_equal(store_begin(store, true, &txn), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_abort(&txn);
    store_close(&store);
    test_rm_folder(&folder);
    return 0;
}

static void test_saved_comes_back(void **state)
{
    (void)state;
    json_t *tree = json_pack("{s:s,s:[i,b,n]}", "name", "Ada", "list", 7, 1), *back;
    assert_int_equal(tree_load(txn, 0, text_slice("a"), &back), OK);
    assert_null(back);
    assert_int_equal(tree_save(txn, 0, text_slice("a"), tree), OK);
    assert_int_equal(tree_load(txn, 0, text_slice("a"), &back), OK);
    assert_true(json_equal(tree, back));
    json_decref(tree);
    json_decref(back);
}

static void test_damage_is_told(void **state)
{
    (void)state;
    json_t *back;
    struct slice bomb = {"\xdf\xff\xff\xff\xff", 5};
    assert_int_equal(store_put(txn, 0, text_slice("b"), bomb), OK);
    assert_int_equal(tree_load(txn, 0, text_slice("b"), &back), FAULT_CORRUPT);
    assert_null(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved_comes_back),
        cmocka_unit_test(test_damage_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* store_image_test.c - a store seen from outside: whole, compared, damaged. */
#include "test.h"

#include "must.h"
#include "store.h"
#include "store_image.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { META, OUTBOX, THINGS };
static const char *const tables[] = {"meta", "outbox", "things", NULL};
static const struct store_options options = {.tables = tables, .format = 1};

static void put(struct store_txn *txn, int table, const char *key, const char *value)
{
    assert_int_equal(store_put(txn, table, text_slice(key), text_slice(value)), OK);
}

/* A store of `count` things; `odd` is one whose value differs. Left open if `keep` is given. */
static void fill(const char *folder, int count, int odd, uint64_t cursor, struct store **keep)
{
    struct store *store;
    struct store_txn *txn;
    uint8_t number[8];
    assert_int_equal(store_open(folder, &options, &store), OK);
    assert_int_equal(store_begin(store, true, &txn), OK);
    store_key_u64(cursor, number);
    assert_int_equal(
        store_put(txn, META, text_slice("cursor"), (struct slice){number, sizeof number}), OK);
    for (int i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "thing %05d", i);
        put(txn, THINGS, key, i == odd ? "odd" : "even and rather long, so that pages fill");
    }
    assert_int_equal(store_commit(&txn), OK);
    if (keep) {
        *keep = store;
    } else {
        store_close(&store);
    }
}

static void check_compare(void **state)
{
    (void)state;
    char *a = test_folder(), *b = test_folder();
    struct store_image before, after;
    struct buf report = {0};
    struct store *open_store;
    fill(a, 1000, -1, 41, NULL);
    fill(b, 1000, -1, 42, &open_store); /* in use by its owner */
    assert_int_equal(store_image_take(a, &before), OK);
    assert_int_equal(store_image_take(b, &after), OK);
    assert_int_equal(before.cursor, 41);
    assert_int_equal(after.cursor, 42);
    assert_memory_equal(before.digest, after.digest, sizeof before.digest);
    assert_int_equal(store_image_compare(&before, &after, &report), 0);
    store_image_fini(&after);
    store_close(&open_store);

    test_rm_folder(&b);
    b = test_folder();
    fill(b, 999, 7, 42, NULL);
    assert_int_equal(store_image_take(b, &after), OK);
    assert_memory_not_equal(before.digest, after.digest, sizeof before.digest);
    assert_int_equal(store_image_compare(&before, &after, &report), 2);
    assert_non_null(strstr(buf_text(&report), "things: thing 00007 differs"));
    assert_non_null(strstr(buf_text(&report), "things: thing 00999 is missing"));
    buf_reset(&report);
    assert_int_equal(store_image_compare(&after, &before, &report), 2);
    assert_non_null(strstr(buf_text(&report), "thing 00999 is new"));
    buf_reset(&report);
    assert_int_equal(store_image_missing(&before, &after, "things", &report), 1);
    assert_int_equal(store_image_missing(&before, &after, "others", &report), 0);
    assert_int_equal(store_image_missing(&after, &before, "things", &report), 0);
    assert_string_equal(buf_text(&report), "things: thing 00999 is missing\n");
    store_image_fini(&before);
    store_image_fini(&after);
    buf_fini(&report);
    test_rm_folder(&a);
    test_rm_folder(&b);
}

static void check_absent(void **state)
{
    (void)state;
    char *folder = test_folder();
    struct store_image image;
    assert_int_equal(store_image_take(folder, &image), FAULT_NOT_FOUND);
    store_image_fini(&image);
    test_rm_folder(&folder);
}

/* Overwrites every page behind the meta pages. */
static void check_damaged(void **state)
{
    (void)state;
    char *folder = test_folder(), *path = NULL;
    struct store_image image;
    fill(folder, 5000, -1, 1, NULL);
    assert_true(asprintf(&path, "%s/data.mdb", folder) > 0);
    int fd = open(path, O_RDWR);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    static const uint8_t junk[4096] = {0xA5, 0x5A, 0xFF};
    for (off_t at = 2 * 4096; at < info.st_size; at += (off_t)sizeof junk) {
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    }
    close(fd);
    assert_int_equal(store_image_take(folder, &image), FAULT_CORRUPT);
    store_image_fini(&image);
    free(path);
    test_rm_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_compare),
        cmocka_unit_test(check_absent),
        cmocka_unit_test(check_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

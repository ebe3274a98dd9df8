/* store_test.c - the door to LMDB: transactions, order, limits, locks, what survives a kill. */
#include "test.h"

#include "must.h"
#include "store.h"

#include <signal.h>
#include <sys/wait.h>

enum { THINGS, OTHERS };
static const char *const tables[] = {"things", "others", NULL};
static const struct store_options options = {.tables = tables, .format = 1};

static int setup(void **state)
{
    *state = test_folder();
    return 0;
}

static int teardown(void **state)
{
    char *folder = *state;
    test_rm_folder(&folder);
    return 0;
}

static struct store *must_open(const char *folder)
{
    struct store *store = NULL;
    assert_int_equal(store_open(folder, &options, &store), OK);
    assert_non_null(store);
    return store;
}

static struct store_txn *must_begin(struct store *store, bool write)
{
    struct store_txn *txn = NULL;
    assert_int_equal(store_begin(store, write, &txn), OK);
    return txn;
}

static void put(struct store_txn *txn, const char *key, const char *value)
{
    assert_int_equal(store_put(txn, THINGS, text_slice(key), text_slice(value)), OK);
}

static void expect_kept(struct store_txn *txn, const char *key, const char *value)
{
    struct slice found;
    assert_int_equal(store_get(txn, THINGS, text_slice(key), &found), OK);
    assert_int_equal(found.len, strlen(value));
    assert_memory_equal(found.bytes, value, found.len);
}

static void expect_nothing(struct store_txn *txn, const char *key)
{
    struct slice found;
    assert_int_equal(store_get(txn, THINGS, text_slice(key), &found), FAULT_NOT_FOUND);
}

static void a_commit_is_there_after_reopening(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    put(txn, "a", "1");
    put(txn, "b", "2");
    expect_kept(txn, "a", "1");
    assert_int_equal(store_delete(txn, THINGS, text_slice("b")), OK);
    assert_int_equal(store_delete(txn, THINGS, text_slice("never")), OK);
    assert_int_equal(store_commit(&txn), OK);
    assert_null(txn);
    store_close(&store);
    assert_null(store);

    store = must_open(*state);
    txn = must_begin(store, false);
    expect_kept(txn, "a", "1");
    expect_nothing(txn, "b");
    assert_int_equal(store_count(txn, THINGS), 1);
    assert_int_equal(store_count(txn, OTHERS), 0);
    store_abort(&txn);
    assert_true(store_used_bytes(store) > 0);
    store_close(&store);
}

static void an_abort_leaves_nothing(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    put(txn, "a", "1");
    store_abort(&txn);
    store_abort(&txn); /* safe on NULL */
    txn = must_begin(store, true);
    expect_nothing(txn, "a");
    put(txn, "a", "2");
    assert_int_equal(store_commit(&txn), OK);
    txn = must_begin(store, true);
    assert_int_equal(store_clear(txn, THINGS), OK);
    assert_int_equal(store_count(txn, THINGS), 0);
    assert_int_equal(store_commit(&txn), OK);
    store_close(&store);
}

static void a_reader_sees_the_past_while_a_writer_commits(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *write = must_begin(store, true);
    put(write, "a", "old");
    assert_int_equal(store_commit(&write), OK);
    struct store_txn *read = must_begin(store, false);
    write = must_begin(store, true);
    put(write, "a", "new");
    assert_int_equal(store_commit(&write), OK);
    expect_kept(read, "a", "old");
    store_abort(&read);
    read = must_begin(store, false);
    expect_kept(read, "a", "new");
    store_abort(&read);
    store_close(&store);
}

struct seen {
    char text[256];
    size_t most;
};

static bool note(void *self, struct slice key, struct slice value)
{
    struct seen *seen = self;
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "%.*s=%.*s ", (int)key.len,
             (const char *)key.bytes, (int)value.len, (const char *)value.bytes);
    return --seen->most > 0;
}

static void expect_scan(struct store_txn *txn, const char *prefix, const char *from, bool backwards,
                        size_t most, const char *text)
{
    struct seen seen = {.most = most};
    assert_int_equal(
        store_scan(txn, THINGS, text_slice(prefix), text_slice(from), backwards, note, &seen), OK);
    assert_string_equal(seen.text, text);
}

static void scans_go_both_ways_within_a_prefix(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    expect_scan(txn, "", "", false, 9, "");
    expect_scan(txn, "", "", true, 9, "");
    put(txn, "a:1", "1");
    put(txn, "b:1", "2");
    put(txn, "b:2", "3");
    put(txn, "b:3", "4");
    put(txn, "c:1", "5");
    put(txn, "\xff\xff", "6");
    expect_scan(txn, "", "", false, 9, "a:1=1 b:1=2 b:2=3 b:3=4 c:1=5 \xff\xff=6 ");
    expect_scan(txn, "b:", "", false, 9, "b:1=2 b:2=3 b:3=4 ");
    expect_scan(txn, "b:", "b:2", false, 9, "b:2=3 b:3=4 ");
    expect_scan(txn, "b:", "a", false, 9, "b:1=2 b:2=3 b:3=4 ");
    expect_scan(txn, "b:", "c", false, 9, "");
    expect_scan(txn, "b:", "", false, 2, "b:1=2 b:2=3 ");
    expect_scan(txn, "b:", "", true, 9, "b:3=4 b:2=3 b:1=2 ");
    expect_scan(txn, "b:", "b:2", true, 9, "b:3=4 b:2=3 ");
    expect_scan(txn, "a:", "", true, 9, "a:1=1 ");
    expect_scan(txn, "\xff", "", true, 9, "\xff\xff=6 ");
    expect_scan(txn, "x", "", true, 9, "");
    expect_scan(txn, "0", "", true, 9, "");
    store_abort(&txn);
    store_close(&store);
}

static void keys_have_a_limit(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    char key[STORE_KEY_BYTES_MAX + 1];
    memset(key, 'k', sizeof key);
    struct slice fits = {key, STORE_KEY_BYTES_MAX}, over = {key, sizeof key}, value;
    assert_int_equal(store_put(txn, THINGS, over, text_slice("v")), FAULT_TOO_LARGE);
    assert_int_equal(store_put(txn, THINGS, text_slice(""), text_slice("v")), FAULT_TOO_LARGE);
    assert_int_equal(store_put(txn, THINGS, fits, text_slice("")), OK);
    assert_int_equal(store_get(txn, THINGS, fits, &value), OK);
    assert_int_equal(value.len, 0);
    assert_int_equal(store_get(txn, THINGS, over, &value), FAULT_NOT_FOUND);
    assert_int_equal(store_delete(txn, THINGS, over), OK);
    assert_int_equal(store_commit(&txn), OK);
    store_close(&store);
}

static void a_full_map_is_temporary(void **state)
{
    struct store_options small = options;
    small.map_bytes = 256 * 1024;
    struct store *store = NULL;
    assert_int_equal(store_open(*state, &small, &store), OK);
    struct store_txn *txn = must_begin(store, true);
    put(txn, "small", "stays");
    assert_int_equal(store_commit(&txn), OK);
    static char large[1 << 20];
    txn = must_begin(store, true);
    struct slice value = {large, sizeof large};
    assert_int_equal(store_put(txn, THINGS, text_slice("large"), value), FAULT_FULL);
    assert_int_equal(store_put(txn, THINGS, text_slice("next"), text_slice("1")), FAULT_FULL);
    assert_int_equal(store_commit(&txn), FAULT_FULL); /* a part is never committed */
    txn = must_begin(store, true);
    expect_kept(txn, "small", "stays");
    expect_nothing(txn, "next");
    put(txn, "next", "fits");
    assert_int_equal(store_commit(&txn), OK);
    store_close(&store);
}

static void another_format_is_refused(void **state)
{
    struct store *store = must_open(*state);
    store_close(&store);
    struct store_options other = options;
    other.format = 2;
    assert_int_equal(store_open(*state, &other, &store), FAULT_VERSION);
    assert_null(store);
    store = must_open(*state); /* and nothing was changed by trying */
    store_close(&store);
}

static void a_file_that_is_no_store_is_refused(void **state)
{
    char garbage[8192];
    memset(garbage, 'x', sizeof garbage - 1);
    garbage[sizeof garbage - 1] = '\0';
    test_write_file(*state, "data.mdb", garbage);
    struct store *store;
    assert_int_equal(store_open(*state, &options, &store), FAULT_CORRUPT);
    assert_null(store);
}

static void a_second_process_is_refused(void **state)
{
    struct store *store = must_open(*state);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *second;
        _exit(store_open(*state, &options, &second) == FAULT_BUSY ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_close(&store);
}

static void what_was_committed_survives_a_kill(void **state)
{
    int lines[2];
    assert_int_equal(pipe(lines), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        MUST(store_open(*state, &options, &store) == OK);
        for (uint64_t i = 0;; i++) {
            uint8_t key[8];
            struct store_txn *txn;
            store_key_u64(i, key);
            MUST(store_begin(store, true, &txn) == OK);
            MUST(store_put(txn, THINGS, (struct slice){key, 8}, text_slice("v")) == OK);
            MUST(store_commit(&txn) == OK);
            MUST(write(lines[1], &i, sizeof i) == sizeof i);
        }
    }
    close(lines[1]);
    uint64_t last = 0;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(read(lines[0], &last, sizeof last), sizeof last);
    }
    kill(child, SIGKILL);
    while (read(lines[0], &last, sizeof last) == sizeof last) {
    }
    close(lines[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, false);
    assert_true(store_count(txn, THINGS) >= last + 1);
    store_abort(&txn);
    store_close(&store);
}

static bool skip_others(int table)
{
    return table == OTHERS;
}

static void equal_contents_have_equal_digests(void **state)
{
    char *folder = test_folder();
    struct store *one = must_open(*state), *two = must_open(folder);
    struct store_txn *txn = must_begin(one, true);
    put(txn, "a", "1");
    put(txn, "b", "2");
    assert_int_equal(store_commit(&txn), OK);
    txn = must_begin(two, true); /* another order, other pages */
    put(txn, "b", "0");
    put(txn, "c", "9");
    assert_int_equal(store_commit(&txn), OK);
    txn = must_begin(two, true);
    put(txn, "b", "2");
    put(txn, "a", "1");
    assert_int_equal(store_delete(txn, THINGS, text_slice("c")), OK);
    assert_int_equal(store_put(txn, OTHERS, text_slice("x"), text_slice("y")), OK);
    assert_int_equal(store_commit(&txn), OK);

    uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
    struct store_txn *of_one = must_begin(one, false), *of_two = must_begin(two, false);
    assert_int_equal(store_digest(of_one, NULL, a), OK);
    assert_int_equal(store_digest(of_two, NULL, b), OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(store_digest(of_one, skip_others, a), OK);
    assert_int_equal(store_digest(of_two, skip_others, b), OK);
    assert_memory_equal(a, b, sizeof a);
    store_abort(&of_one);
    store_abort(&of_two);
    store_close(&one);
    store_close(&two);
    test_rm_folder(&folder);
}

static void numbers_sort_as_keys(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 255, 256, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    uint8_t last[8] = {0}, key[8];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        store_key_u64(numbers[i], key);
        assert_int_equal(store_key_number(key), numbers[i]);
        assert_true(i == 0 || memcmp(last, key, 8) < 0);
        memcpy(last, key, 8);
    }
}

static bool look(void *self, struct slice key, struct slice value)
{
    (void)key;
    *(size_t *)self += value.len;
    return true;
}

/* In a child: opens the store and reads all of it. Returns how the child ended. */
static int read_all_elsewhere(const char *folder)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        struct store_txn *txn;
        size_t bytes = 0;
        bool good =
            store_open(folder, &options, &store) == OK && store_begin(store, false, &txn) == OK &&
            store_scan(txn, THINGS, text_slice(""), text_slice(""), false, look, &bytes) == OK;
        _exit(good ? EXIT_OK : EXIT_NEVER);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void damaged_pages_keep_the_process_down(void **state)
{
    char key[32], value[200];
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        put(txn, key, value);
    }
    assert_int_equal(store_commit(&txn), OK);
    store_close(&store);
    assert_int_equal(read_all_elsewhere(*state), EXIT_OK);
    char *path = must_sprintf("%s/data.mdb", (char *)*state);
    FILE *file = fopen(path, "r+");
    free(path);
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long end = ftell(file);
    for (long at = 8192 + 17; at < end; at += 512) { /* the offsets of nodes, too */
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fputc(0xff, file), 0xff);
    }
    fclose(file);
    assert_int_equal(read_all_elsewhere(*state), EXIT_NEVER);
}

/* A page that is in the tree and no longer in the file. */
static void a_cut_store_keeps_the_process_down(void **state)
{
    struct store *store = must_open(*state);
    for (int i = 0; i < 20; i++) {
        struct store_txn *txn = must_begin(store, true);
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        put(txn, key, "value");
        assert_int_equal(store_commit(&txn), OK);
    }
    store_close(&store);
    char *path = must_sprintf("%s/data.mdb", (char *)*state);
    assert_int_equal(truncate(path, 3 * 4096), 0);
    free(path);
    assert_int_equal(read_all_elsewhere(*state), EXIT_NEVER);
}

struct seen_keys {
    char text[64];
    size_t most;
};

static bool see_key(void *self, struct slice key, struct slice value)
{
    struct seen_keys *seen = self;
    (void)value;
    strncat(seen->text, key.bytes, key.len);
    strcat(seen->text, " ");
    return --seen->most > 0;
}

/* Newest first, page by page. */
static void pages_go_backwards_from_a_place(void **state)
{
    struct store *store = must_open(*state);
    struct store_txn *txn = must_begin(store, true);
    static const char *const keys[] = {"a1", "b1", "b2", "b3", "b4", "c1"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        put(txn, keys[i], "x");
    }
    static const struct {
        const char *prefix, *before, *seen;
        size_t most;
    } rows[] = {{"b", "", "b4 b3 b2 b1 ", 9}, {"b", "b3", "b2 b1 ", 9},
                {"b", "b3", "b2 ", 1},        {"b", "b1", "", 9},
                {"b", "b9", "b4 b3 ", 2},     {"", "", "c1 b4 ", 2},
                {"c", "c9", "c1 ", 9},        {"d", "", "", 9},
                {"", "b1", "a1 ", 9},         {"b", "a", "", 9}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen_keys seen = {.most = rows[i].most};
        assert_int_equal(store_scan_before(txn, THINGS, text_slice(rows[i].prefix),
                                           text_slice(rows[i].before), see_key, &seen),
                         OK);
        assert_string_equal(seen.text, rows[i].seen);
    }
    store_abort(&txn);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_commit_is_there_after_reopening),
        TEST(an_abort_leaves_nothing),
        TEST(a_reader_sees_the_past_while_a_writer_commits),
        TEST(scans_go_both_ways_within_a_prefix),
        TEST(pages_go_backwards_from_a_place),
        TEST(keys_have_a_limit),
        TEST(a_full_map_is_temporary),
        TEST(another_format_is_refused),
        TEST(a_file_that_is_no_store_is_refused),
        TEST(a_second_process_is_refused),
        TEST(what_was_committed_survives_a_kill),
        TEST(equal_contents_have_equal_digests),
        TEST(numbers_sort_as_keys),
        TEST(damaged_pages_keep_the_process_down),
        TEST(a_cut_store_keeps_the_process_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

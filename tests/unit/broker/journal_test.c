/* journal_test.c - what journal.h promises on a sound disk. Other disks: journal_disk_test.c. */
#include "journal_fixture.h"

#include "journal_ids.h"
#include "store.h"

#include <sys/stat.h>
#include <time.h>

static void numbers_start_at_one_and_stay(void **state)
{
    struct journal *journal = must_open(*state);
    assert_int_equal(stat_of(journal).head, 0);
    assert_int_equal(stat_of(journal).floor, 1);
    append_many(journal, 1, 10, 100);
    struct journal_stat before = stat_of(journal);
    assert_int_equal(before.head, 10);
    assert_int_equal(before.commits, 10);
    expect_all(journal, 1, 10);
    expect_all(journal, 7, 10);
    journal_close(&journal);
    assert_null(journal);
    journal_close(&journal);
    journal = must_open(*state);
    assert_memory_equal(stat_of(journal).chain, before.chain, sizeof before.chain);
    append_many(journal, 11, 20, 100);
    expect_all(journal, 1, 20);
    journal_close(&journal);
}

static void an_id_is_appended_once(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 5, 50);
    struct journal_entry entry;
    assert_int_equal(append_one(journal, 3, 60, &entry), OK);
    assert_true(entry.duplicate);
    assert_int_equal(entry.seq, 3);
    const uint8_t *text = (const uint8_t *)"6";
    struct journal_entry batch[] = {
        {.id = "x", .id_len = 1, .bytes = text, .len = 1},
        {.id = "test:2", .id_len = 6, .bytes = text, .len = 1},
        {.id = "x", .id_len = 1, .bytes = text, .len = 1},
        {.id = "y", .id_len = 1, .bytes = (const uint8_t *)"7", .len = 1},
    };
    assert_int_equal(journal_append(journal, batch, 4), OK);
    static const uint64_t seqs[] = {6, 2, 6, 7};
    static const bool duplicates[] = {false, true, true, false};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(batch[i].seq, seqs[i]);
        assert_int_equal(batch[i].duplicate, duplicates[i]);
    }
    assert_int_equal(stat_of(journal).commits, 6);
    expect_all(journal, 1, 7);
    journal_close(&journal);
    journal = must_open(*state);
    assert_int_equal(append_one(journal, 4, 60, &entry), OK);
    assert_true(entry.duplicate && entry.seq == 4);
    assert_int_equal(stat_of(journal).commits, 0);
    journal_close(&journal);
}

struct hashed {
    uint32_t tag;
    uint32_t n;
};

static int by_tag(const void *a, const void *b)
{
    const struct hashed *one = a, *two = b;
    return one->tag < two->tag ? -1 : one->tag > two->tag;
}

/* Two ids whose 32 bits in the table agree: found by trying. */
static void equal_hashes_are_told_apart(void **state)
{
    enum { TRIES = 400000 };
    struct hashed *hashed = must_malloc(TRIES * sizeof *hashed);
    for (uint32_t n = 0; n < TRIES; n++) {
        char id[32];
        uint8_t digest[ID_DIGEST_BYTES];
        snprintf(id, sizeof id, "test:%u", n);
        id_digest(id, strlen(id), digest);
        memcpy(&hashed[n].tag, digest, 4);
        hashed[n].n = n;
    }
    qsort(hashed, TRIES, sizeof *hashed, by_tag);
    struct journal *journal = must_open(*state);
    size_t pairs = 0;
    uint64_t seq = 0;
    for (size_t i = 0; i + 1 < TRIES && pairs < 4; i++) {
        if (hashed[i].tag != hashed[i + 1].tag) {
            continue;
        }
        struct journal_entry entry;
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(append_one(journal, hashed[i + k % 2].n, 30, &entry), OK);
            assert_int_equal(entry.duplicate, k >= 2);
            assert_int_equal(entry.seq, seq + 1 + k % 2);
        }
        seq += 2;
        pairs++;
        i++;
    }
    assert_true(pairs > 0);
    free(hashed);
    journal_close(&journal);
}

static void topics_choose(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 30, 40);
    struct journal_topics one = {{1 << 1}};
    struct seen seen = {0};
    uint64_t next;
    assert_int_equal(journal_read(journal, 1, 100, 1 << 20, &one, note, &seen, &next), OK);
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.first, 1);
    assert_int_equal(seen.last, 28);
    assert_int_equal(next, 31);
    struct journal_topics none = {{0}};
    seen = (struct seen){0};
    assert_int_equal(journal_read(journal, 5, 100, 1 << 20, &none, note, &seen, &next), OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(next, 31);
    journal_close(&journal);
}

static void reads_are_limited(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 30, 1000);
    struct seen seen = {0};
    uint64_t next;
    assert_int_equal(journal_read(journal, 3, 4, 1 << 20, &all, note, &seen, &next), OK);
    assert_int_equal(seen.count, 4);
    assert_int_equal(next, 7);
    seen = (struct seen){0};
    assert_int_equal(journal_read(journal, 3, 100, 2500, &all, note, &seen, &next), OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(next, 5);
    seen = (struct seen){0};
    assert_int_equal(journal_read(journal, 3, 100, 1, &all, note, &seen, &next), OK);
    assert_int_equal(seen.count, 1);
    seen = (struct seen){.most = 5};
    assert_int_equal(journal_read(journal, 3, 100, 1 << 20, &all, note, &seen, &next), OK);
    assert_int_equal(next, 8);
    seen = (struct seen){0};
    assert_int_equal(journal_read(journal, 31, 100, 1 << 20, &all, note, &seen, &next), OK);
    assert_int_equal(next, 31);
    assert_int_equal(journal_read(journal, 32, 100, 1 << 20, &all, note, &seen, &next),
                     FAULT_AHEAD);
    assert_int_equal(journal_read(journal, 0, 100, 1 << 20, &all, note, &seen, &next), FAULT_GONE);
    assert_int_equal(seen.count, 0);
    journal_close(&journal);
}

static void too_much_is_refused(void **state)
{
    struct journal *journal = must_open(*state);
    struct journal_entry entry;
    assert_int_equal(append_one(journal, 1, JOURNAL_EVENT_BYTES_MAX + 1, &entry), FAULT_TOO_LARGE);
    assert_int_equal(append_one(journal, 1, SMALL, &entry), FAULT_TOO_LARGE); /* of this segment */
    static struct journal_entry many[JOURNAL_BATCH_EVENTS_MAX + 1];
    assert_int_equal(journal_append(journal, many, JOURNAL_BATCH_EVENTS_MAX + 1), FAULT_TOO_LARGE);
    append_many(journal, 1, 1, 10);
    expect_all(journal, 1, 1);
    journal_close(&journal);
}

/* Waits until the helper is done with the sealed segments. */
static void tend_until_trimmed(struct journal *journal, uint64_t below, uint64_t floor)
{
    for (int i = 0; i < 20000 && stat_of(journal).floor < floor; i++) {
        assert_int_equal(journal_tend(journal), OK);
        assert_int_equal(journal_trim(journal, below), OK);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(stat_of(journal).floor >= floor);
}

static void segments_rotate_and_go(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 1000, 1000);
    uint64_t segments = stat_of(journal).segments;
    assert_true(segments > 15);
    expect_all(journal, 1, 1000);
    struct journal_entry entry;
    for (uint64_t n = 1; n <= 1000; n += 37) { /* from memory or from the index */
        assert_int_equal(append_one(journal, n, 10, &entry), OK);
        assert_true(entry.duplicate && entry.seq == n);
    }
    tend_until_trimmed(journal, 500, 400);
    struct journal_stat stat = stat_of(journal);
    assert_true(stat.floor <= 500 && stat.segments < segments);
    uint64_t next;
    struct seen seen = {0};
    assert_int_equal(journal_read(journal, stat.floor - 1, 9, 999, &all, note, &seen, &next),
                     FAULT_GONE);
    expect_all(journal, stat.floor, 1000);
    journal_close(&journal);

    journal = must_open(*state);
    assert_int_equal(stat_of(journal).floor, stat.floor);
    for (uint64_t n = 1; n <= 1000; n += 13) { /* also of what is gone */
        assert_int_equal(append_one(journal, n, 10, &entry), OK);
        assert_true(entry.duplicate && entry.seq == n);
    }
    append_many(journal, 1001, 1100, 1000);
    expect_all(journal, stat.floor, 1100);
    assert_int_equal(journal_trim(journal, UINT64_MAX), OK);
    assert_true(stat_of(journal).floor <= 1101); /* the open segment stays */
    journal_close(&journal);
    struct buf report = {0};
    assert_int_equal(journal_verify(*state, &stat, &report), OK);
    assert_int_equal(stat.head, 1100);
    buf_fini(&report);
}

/* After a start the filter is filled from the index: it must not miss one id that is in it. */
static void the_filter_holds_what_the_index_holds(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 1000, 1000);
    tend_until_trimmed(journal, 500, 400); /* so that there is something in the index */
    journal_close(&journal);
    char *folder = must_sprintf("%s/index", (char *)*state);
    struct store *index;
    assert_int_equal(id_index_open(folder, &index), OK);
    struct id_filter filter = {0};
    uint8_t from[ID_DIGEST_BYTES] = {0}, digest[ID_DIGEST_BYTES];
    bool end = false;
    id_filter_init(&filter);
    while (!end) {
        assert_true(id_filter_may_hold(&filter, from)); /* anything, until it is whole */
        assert_int_equal(id_filter_fill(&filter, index, from, &end), OK);
    }
    filter.whole = true;
    struct store_txn *txn;
    assert_int_equal(store_begin(index, false, &txn), OK);
    size_t held = 0, in_vain = 0;
    for (int n = 1; n <= 1000; n++) {
        char id[32];
        struct id_place place;
        snprintf(id, sizeof id, "test:%d", n);
        id_digest(id, strlen(id), digest);
        bool may = id_filter_may_hold(&filter, digest);
        bool does = id_index_find(txn, digest, &place) == OK;
        assert_true(may || !does);
        held += does;
        snprintf(id, sizeof id, "never:%d", n);
        id_digest(id, strlen(id), digest);
        in_vain += id_filter_may_hold(&filter, digest);
    }
    assert_true(held >= 399 && in_vain < 50);
    store_abort(&txn);
    store_close(&index);
    id_filter_fini(&filter);
    free(folder);
}

static void the_index_can_be_lost(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 300, 1000);
    journal_close(&journal);
    for (int round = 0; round < 4; round++) {
        char *path = must_sprintf("%s/index/data.mdb", (char *)*state);
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        if (round == 0) {
            assert_int_equal(unlink(path), 0);
        } else if (round == 1) {
            assert_int_equal(truncate(path, 0), 0);
        } else if (round == 2) {
            assert_int_equal(truncate(path, 8192), 0); /* the two heads, no pages */
        } else {
            char *index = must_sprintf("%s/index", (char *)*state);
            char rubbish[4096 * 3];
            memset(rubbish, 'x', sizeof rubbish - 1);
            rubbish[sizeof rubbish - 1] = '\0';
            test_write_file(index, "data.mdb", rubbish);
            free(index);
        }
        free(path);
        journal = must_open(*state);
        struct journal_entry entry;
        for (uint64_t n = 1; n <= 300; n++) {
            assert_int_equal(append_one(journal, n, 10, &entry), OK);
            assert_true(entry.duplicate && entry.seq == n);
        }
        journal_close(&journal);
    }
}

static void the_index_of_another_journal_is_not_believed(void **state)
{
    char *other = test_folder();
    struct journal *journal = must_open(other);
    append_many(journal, 1, 300, 1000);
    journal_close(&journal);
    journal = must_open(*state);
    append_many(journal, 1, 10, 1000);
    journal_close(&journal);
    char *command = must_sprintf("rm -r '%s/index' && cp -r '%s/index' '%s/index'", (char *)*state,
                                 other, (char *)*state);
    assert_int_equal(system(command), 0);
    free(command);
    journal = must_open(*state);
    append_many(journal, 11, 200, 1000);
    expect_all(journal, 1, 200);
    journal_close(&journal);
    test_rm_folder(&other);
}

static void a_second_process_is_refused(void **state)
{
    struct journal *journal = must_open(*state);
    struct journal *second;
    assert_int_equal(journal_open(*state, &small, &second, NULL), FAULT_BUSY);
    assert_null(second);
    append_many(journal, 1, 3, 100);
    struct journal_stat stat; /* verify may look meanwhile */
    struct buf report = {0};
    assert_int_equal(journal_verify(*state, &stat, &report), OK);
    assert_int_equal(stat.head, 3);
    buf_fini(&report);
    journal_close(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_start_at_one_and_stay),
        TEST(an_id_is_appended_once),
        TEST(equal_hashes_are_told_apart),
        TEST(topics_choose),
        TEST(reads_are_limited),
        TEST(too_much_is_refused),
        TEST(segments_rotate_and_go),
        TEST(the_filter_holds_what_the_index_holds),
        TEST(the_index_can_be_lost),
        TEST(the_index_of_another_journal_is_not_believed),
        TEST(a_second_process_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

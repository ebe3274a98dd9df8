/* journal_test.c - what journal.h promises, on a real disk. Crashes: tests/crash/. */
#include "test.h"

#include "journal.h"
#include "journal_format.h"
#include "journal_ids.h"
#include "journal_io.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { SMALL = 64 * 1024 };

static const struct journal_options small = {.segment_bytes = SMALL, .disk_free_min = 1};
static const struct journal_topics all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static int setup(void **state)
{
    *state = test_folder();
    return 0;
}

static int teardown(void **state)
{
    char *folder = *state;
    test_rm_folder(&folder);
    journal_io = &journal_io_disk;
    return 0;
}

static struct journal *must_open(const char *folder)
{
    struct journal *journal = NULL;
    struct buf why = {0};
    enum fault fault = journal_open(folder, &small, &journal, &why);
    if (fault != OK) {
        print_message("%s", buf_text(&why));
    }
    assert_int_equal(fault, OK);
    buf_fini(&why);
    return journal;
}

static struct journal_stat stat_of(const struct journal *journal)
{
    struct journal_stat stat;
    journal_stat(journal, &stat);
    return stat;
}

/* Event n: its id and content say n; content of `len` bytes. */
static enum fault append_one(struct journal *journal, uint64_t n, size_t len,
                             struct journal_entry *entry)
{
    static char content[JOURNAL_EVENT_BYTES_MAX + 16], id[32];
    snprintf(id, sizeof id, "test:%llu", (unsigned long long)n);
    memset(content, 'a' + (int)(n % 26), len);
    snprintf(content, len < 24 ? len : 24, "%llu", (unsigned long long)n);
    *entry = (struct journal_entry){.id = id,
                                    .id_len = strlen(id),
                                    .topic = (uint8_t)(n % 3),
                                    .bytes = (uint8_t *)content,
                                    .len = len};
    return journal_append(journal, entry, 1);
}

static void append_many(struct journal *journal, uint64_t first, uint64_t last, size_t len)
{
    for (uint64_t n = first; n <= last; n++) {
        struct journal_entry entry;
        assert_int_equal(append_one(journal, n, len, &entry), OK);
        assert_int_equal(entry.seq, n);
        assert_false(entry.duplicate);
    }
}

struct seen {
    uint64_t first, last;
    size_t count;
    size_t bytes;
    size_t most; /* stop before this one; 0: never */
};

static bool note(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
{
    struct seen *seen = self;
    if (seen->most && seen->count == seen->most) {
        return false;
    }
    char text[32] = {0};
    memcpy(text, bytes, len < 24 ? len : 24);
    assert_int_equal(strtoull(text, NULL, 10), seq);
    assert_true(seq > seen->last);
    seen->first = seen->first ? seen->first : seq;
    seen->last = seq;
    seen->count++;
    seen->bytes += len;
    return true;
}

static void expect_all(struct journal *journal, uint64_t first, uint64_t last)
{
    struct seen seen = {0};
    uint64_t next = first;
    while (next <= last) {
        uint64_t from = next;
        assert_int_equal(journal_read(journal, from, 1000, 1 << 20, &all, note, &seen, &next), OK);
        assert_true(next > from);
    }
    assert_int_equal(seen.count, last - first + 1);
    assert_int_equal(next, last + 1);
}

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

/* A disk with moods. */
static uint64_t free_left;
static int write_code, sync_code;

static uint64_t moody_free(int folder_fd)
{
    (void)folder_fd;
    return free_left;
}

static int moody_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
    if (write_code) { /* half of it arrives */
        (void)journal_io_disk.write(fd, bytes, len / 2, offset);
        return write_code;
    }
    return journal_io_disk.write(fd, bytes, len, offset);
}

static int moody_sync(int fd)
{
    return sync_code ? sync_code : journal_io_disk.sync(fd);
}

static void use_moody_disk(struct journal_io *io)
{
    *io = journal_io_disk;
    io->free_bytes = moody_free;
    io->write = moody_write;
    io->sync = moody_sync;
    free_left = UINT32_MAX;
    write_code = sync_code = 0;
    journal_io = io;
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    static struct journal_io io;
    use_moody_disk(&io);
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 20, 1000);
    struct journal_entry entry;
    free_left = 0;
    assert_int_equal(append_one(journal, 21, 1000, &entry), FAULT_FULL);
    assert_int_equal(append_one(journal, 20, 1000, &entry), OK); /* what is there is there */
    assert_true(entry.duplicate);
    free_left = UINT32_MAX;
    append_many(journal, 21, 21, 1000);
    write_code = ENOSPC;
    assert_int_equal(append_one(journal, 22, 1000, &entry), FAULT_FULL);
    assert_int_equal(stat_of(journal).head, 21);
    expect_all(journal, 1, 21);
    write_code = 0;
    append_many(journal, 22, 200, 1000); /* the id that was refused is new */
    expect_all(journal, 1, 200);
    free_left = SMALL / 2; /* no next segment, and then room again */
    uint64_t n = 201;
    while (append_one(journal, n, 1000, &entry) == OK) {
        n++;
        assert_true(n < 1000);
    }
    assert_int_equal(append_one(journal, n, 1000, &entry), FAULT_FULL);
    free_left = UINT32_MAX;
    assert_int_equal(journal_tend(journal), OK);
    append_many(journal, n, n + 200, 1000);
    expect_all(journal, 1, n + 200);
    journal_close(&journal);
}

static void a_failed_sync_is_for_good(void **state)
{
    static struct journal_io io;
    use_moody_disk(&io);
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 5, 100);
    struct journal_entry entry;
    sync_code = EIO;
    assert_int_equal(append_one(journal, 6, 100, &entry), FAULT_IO);
    sync_code = 0;
    assert_int_equal(append_one(journal, 7, 100, &entry), FAULT_IO);
    assert_int_equal(append_one(journal, 1, 100, &entry), FAULT_IO);
    assert_int_equal(journal_tend(journal), FAULT_IO);
    expect_all(journal, 1, 5); /* 6 was never true here */
    journal_close(&journal);
    journal = must_open(*state);
    assert_true(stat_of(journal).head == 5 || stat_of(journal).head == 6);
    expect_all(journal, 1, stat_of(journal).head);
    journal_close(&journal);
}

/* Changes a byte of a segment file where `text` stands. */
static void damage(const char *folder, int number, const char *text)
{
    char *path = must_sprintf("%s/segment-%016d", folder, number);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    free(path);
    static char bytes[SMALL];
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
    char *at = memmem(bytes, sizeof bytes, text, strlen(text));
    assert_non_null(at);
    assert_int_equal(pwrite(fd, "#", 1, at - bytes), 1);
    close(fd);
}

static void expect_damage(struct journal *journal, uint64_t first, uint64_t last, uint64_t head)
{
    struct seen seen = {0};
    uint64_t next = 1;
    while (next < first) {
        assert_int_equal(journal_read(journal, next, 1000, 1 << 20, &all, note, &seen, &next), OK);
    }
    assert_int_equal(next, first);
    assert_int_equal(seen.last, first - 1);
    assert_int_equal(journal_read(journal, next, 1000, 1 << 20, &all, note, &seen, &next),
                     FAULT_CORRUPT);
    assert_int_equal(next, last + 1);
    assert_int_equal(seen.last, first - 1);
    expect_all(journal, last + 1, head);
    assert_int_equal(stat_of(journal).damaged, 1);
}

static void damage_is_named_and_never_served(void **state)
{
    static const char *const texts[] = {"test:7", "test:17", "usherbat", "test:40"};
    static const uint64_t firsts[] = {7, 17, 1, 40};
    for (int i = 0; i < 4; i++) {
        char *folder = must_sprintf("%s/%d", (char *)*state, i);
        struct journal *journal = must_open(folder);
        append_many(journal, 1, i == 0 ? 300 : 40, 1000); /* in a sealed one, in the open one */
        journal_close(&journal);
        damage(folder, 1, texts[i]);
        journal = must_open(folder);
        expect_damage(journal, firsts[i], firsts[i], i == 0 ? 300 : 40);
        uint64_t head = stat_of(journal).head;
        append_many(journal, head + 1, head + 5, 100); /* life goes on */
        journal_close(&journal);
        struct journal_stat stat;
        struct buf report = {0};
        assert_int_equal(journal_verify(folder, &stat, &report), FAULT_CORRUPT);
        assert_int_equal(stat.damaged, 1);
        char *words = must_sprintf("events %d to %d are damaged", (int)firsts[i], (int)firsts[i]);
        assert_non_null(strstr(buf_text(&report), words));
        free(words);
        buf_fini(&report);
        free(folder);
    }
}

static void the_others_of_a_damaged_batch_are_served(void **state)
{
    struct journal *journal = must_open(*state);
    struct journal_entry entries[9];
    char ids[9][16], texts[9][16];
    for (int i = 0; i < 9; i++) {
        snprintf(ids[i], sizeof ids[i], "id:%d", i + 1);
        snprintf(texts[i], sizeof texts[i], "%d", i + 1);
        entries[i] = (struct journal_entry){.id = ids[i],
                                            .id_len = strlen(ids[i]),
                                            .bytes = (uint8_t *)texts[i],
                                            .len = strlen(texts[i]) + 1};
    }
    assert_int_equal(journal_append(journal, entries, 9), OK);
    journal_close(&journal);
    damage(*state, 1, "id:5");
    journal = must_open(*state);
    expect_damage(journal, 5, 5, 9);
    assert_int_equal(journal_append(journal, entries, 4), OK);
    assert_int_equal(journal_append(journal, entries + 5, 4), OK);
    assert_int_equal(stat_of(journal).head, 9);
    journal_close(&journal);
}

static void a_missing_segment_is_damage(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 300, 1000);
    journal_close(&journal);
    char *path = must_sprintf("%s/segment-%016d", (char *)*state, 2);
    assert_int_equal(unlink(path), 0);
    free(path);
    journal = must_open(*state);
    assert_int_equal(stat_of(journal).damaged, 1);
    uint64_t next = 1, from;
    struct seen seen = {0};
    enum fault fault;
    do {
        from = next;
        fault = journal_read(journal, from, 1000, 1 << 20, &all, note, &seen, &next);
    } while (fault == OK && next <= 300);
    assert_int_equal(fault, FAULT_CORRUPT);
    assert_int_equal(seen.last + 1, from);
    expect_all(journal, next, 300);
    journal_close(&journal);
    path = must_sprintf("rm '%s'/segment-*%d", (char *)*state, 7); /* the newest: a clean stop */
    assert_int_equal(system(path), 0);
    free(path);
    struct buf why = {0};
    assert_int_equal(journal_open(*state, &small, &journal, &why), FAULT_CORRUPT);
    assert_non_null(strstr(buf_text(&why), "segment 7"));
    buf_fini(&why);
}

static void another_format_is_refused(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 3, 10);
    journal_close(&journal);
    char *path = must_sprintf("%s/segment-%016d", (char *)*state, 1);
    int fd = open(path, O_RDWR);
    uint8_t bytes[SEGMENT_DATA_OFFSET];
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), sizeof bytes);
    bytes[8] = 99;
    sha256(bytes, 80, bytes + 80);
    assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
    close(fd);
    free(path);
    struct buf why = {0};
    assert_int_equal(journal_open(*state, &small, &journal, &why), FAULT_VERSION);
    assert_non_null(strstr(buf_text(&why), "another version"));
    buf_fini(&why);
}

static void erased_content_leaves_the_chain_whole(void **state)
{
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 5, 500);
    journal_close(&journal);
    char *path = must_sprintf("%s/segment-%016d", (char *)*state, 1);
    int fd = open(path, O_RDWR);
    free(path);
    struct source source;
    struct segment_header header;
    source_of_file(&source, fd, SMALL);
    assert_int_equal(segment_header_read(&source, 1, &header), OK);
    struct walk walk;
    walk_start(&walk, &source, header.generation, 1, SEGMENT_DATA_OFFSET);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(walk_next(&walk), WALK_BATCH);
    }
    struct record record;
    uint64_t at = walk.offset + BATCH_HEADER_BYTES;
    assert_int_equal(record_at(&source, at, walk.end, &record), OK);
    uint8_t blank[500] = {0}, flag = RECORD_ERASED;
    sha256(record.content, record.len, blank);
    off_t content = (off_t)(at + RECORD_HEADER_BYTES + record.id_len);
    assert_int_equal(pwrite(fd, blank, sizeof blank, content), sizeof blank);
    assert_int_equal(pwrite(fd, &flag, 1, (off_t)at + 5), 1);
    source_fini(&source);
    close(fd);
    struct journal_stat stat;
    struct buf report = {0};
    assert_int_equal(journal_verify(*state, &stat, &report), OK);
    buf_fini(&report);
    journal = must_open(*state);
    struct seen seen = {0};
    uint64_t next;
    assert_int_equal(journal_read(journal, 1, 99, 9999, &all, note, &seen, &next), OK);
    assert_int_equal(seen.count, 4); /* it is passed over */
    assert_int_equal(next, 6);
    struct journal_entry entry;
    assert_int_equal(append_one(journal, 3, 10, &entry), OK);
    assert_true(entry.duplicate && entry.seq == 3); /* and its id stays taken */
    journal_close(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(numbers_start_at_one_and_stay),
        TEST(an_id_is_appended_once),
        TEST(equal_hashes_are_told_apart),
        TEST(topics_choose),
        TEST(reads_are_limited),
        TEST(too_much_is_refused),
        TEST(segments_rotate_and_go),
        TEST(the_index_can_be_lost),
        TEST(the_index_of_another_journal_is_not_believed),
        TEST(a_second_process_is_refused),
        TEST(a_full_disk_refuses_and_recovers),
        TEST(a_failed_sync_is_for_good),
        TEST(damage_is_named_and_never_served),
        TEST(the_others_of_a_damaged_batch_are_served),
        TEST(a_missing_segment_is_damage),
        TEST(another_format_is_refused),
        TEST(erased_content_leaves_the_chain_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

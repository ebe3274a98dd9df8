/* journal_disk_test.c - the journal on disks that are full, fail or forget. Crashes: tests/crash/. */
#include "journal_fixture.h"

#include "clock.h"
#include "journal_format.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A disk with moods. */
static uint64_t free_left;
static int write_code, sync_code, reserve_code, reserved;
static bool no_spares;

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

static int moody_create(int folder_fd, const char *name, int *fd)
{
    bool spare = strncmp(name, "spare", strlen("spare")) == 0;
    return spare && no_spares ? ENOSPC : journal_io_disk.create(folder_fd, name, fd);
}

static int moody_reserve(int fd, uint64_t len)
{
    reserved++;
    return reserve_code ? reserve_code : journal_io_disk.reserve(fd, len);
}

static void use_moody_disk(struct journal_io *io)
{
    *io = journal_io_disk;
    io->free_bytes = moody_free;
    io->write = moody_write;
    io->sync = moody_sync;
    io->create = moody_create;
    io->reserve = moody_reserve;
    free_left = UINT32_MAX;
    write_code = sync_code = reserve_code = reserved = 0;
    no_spares = false;
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

static void a_segment_begins_without_a_spare(void **state)
{
    static struct journal_io io;
    use_moody_disk(&io);
    no_spares = true;
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 100, 1000);
    assert_true(stat_of(journal).segments > 2);
    assert_int_equal(reserved, stat_of(journal).segments - 1);
    reserve_code = ENOTSUP; /* a file system that cannot: zeros */
    append_many(journal, 101, 200, 1000);
    reserve_code = ENOSPC;
    uint64_t n = 201;
    struct journal_entry entry;
    enum fault fault;
    while ((fault = append_one(journal, n, 1000, &entry)) == OK) {
        n++;
        assert_true(n < 1000);
    }
    assert_int_equal(fault, FAULT_FULL);
    reserve_code = 0;
    append_many(journal, n, n + 100, 1000);
    expect_all(journal, 1, n + 100);
    journal_close(&journal);
    journal = must_open(*state);
    expect_all(journal, 1, n + 100);
    journal_close(&journal);
}

/* While little is appended, files are made ready: how many depends on how many were needed. */
static void spares_are_made_ahead(void **state)
{
    static struct journal_io io;
    use_moody_disk(&io);
    struct journal *journal = must_open(*state);
    append_many(journal, 1, 200, 1000);
    char *path = must_sprintf("%s/spare-4", (char *)*state);
    int64_t until = clock_mono_ms() + 20000;
    while (access(path, F_OK) != 0) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
    }
    free(path);
    reserved = 0;
    size_t segments = stat_of(journal).segments;
    uint64_t n = 201;
    while (stat_of(journal).segments < segments + 2) {
        append_many(journal, n, n, 1000);
        n++;
    }
    assert_int_equal(reserved, 0);
    expect_all(journal, 1, n - 1);
    journal_close(&journal);
    journal = must_open(*state);
    expect_all(journal, 1, n - 1);
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
        TEST(a_full_disk_refuses_and_recovers),      TEST(a_failed_sync_is_for_good),
        TEST(a_segment_begins_without_a_spare),      TEST(spares_are_made_ahead),
        TEST(damage_is_named_and_never_served),      TEST(the_others_of_a_damaged_batch_are_served),
        TEST(a_missing_segment_is_damage),           TEST(another_format_is_refused),
        TEST(erased_content_leaves_the_chain_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

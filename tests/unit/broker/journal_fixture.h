/* journal_fixture.h - a journal in a fresh folder, and events that say their own number. */
#ifndef USHER_JOURNAL_FIXTURE_H
#define USHER_JOURNAL_FIXTURE_H

#include "test.h"

#include "journal.h"
#include "journal_io.h"
#include "must.h"

enum { SMALL = 64 * 1024 };

static const struct journal_options small = {.segment_bytes = SMALL, .disk_free_min = 1};
static const struct journal_topics all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static inline int setup(void **state)
{
    *state = test_folder();
    return 0;
}

static inline int teardown(void **state)
{
    char *folder = *state;
    test_rm_folder(&folder);
    journal_io = &journal_io_disk;
    return 0;
}

static inline struct journal *must_open(const char *folder)
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

static inline struct journal_stat stat_of(const struct journal *journal)
{
    struct journal_stat stat;
    journal_stat(journal, &stat);
    return stat;
}

/* Event n: its id and content say n; content of `len` bytes. */
static inline enum fault append_one(struct journal *journal, uint64_t n, size_t len,
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

static inline void append_many(struct journal *journal, uint64_t first, uint64_t last, size_t len)
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

static inline bool note(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
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

static inline void expect_all(struct journal *journal, uint64_t first, uint64_t last)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

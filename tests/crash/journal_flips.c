/* journal_flips.c - single bits of a closed journal turned over, some thousand times.
 *
 * Use        journal_flips [FLIPS]   Default 3000.
 * Checks     Each flip is harmless, or detected (named, and only what is named is not shown), or a clean
 *            stop at open; never a wrong event, a silent gap, another number or a second life of an id. */
#include "journal.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLIPS = 3000, EVENTS = 120, SEGMENT_BYTES = 24 * 1024, FILES_MAX = 16 };

static const struct journal_options options = {.segment_bytes = SEGMENT_BYTES, .disk_free_min = 1};
static const struct journal_topics all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

struct file {
    char path[128];
    uint8_t bytes[SEGMENT_BYTES];
    size_t len;
};

static struct file files[FILES_MAX];
static size_t file_count;
static size_t harmless, detected, stopped, wrong;

static void make_text(uint64_t n, char text[64])
{
    snprintf(text, 64, "%llu:%.*s", (unsigned long long)n, (int)(n % 40),
             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst");
}

static enum fault append(struct journal *journal, uint64_t n, struct journal_entry *entry)
{
    static uint8_t bytes[800];
    static char id[32];
    char text[64];
    make_text(n, text);
    memset(bytes, (int)n, sizeof bytes);
    memcpy(bytes, text, strlen(text) + 1);
    snprintf(id, sizeof id, "flip:%llu", (unsigned long long)n);
    *entry = (struct journal_entry){.id = id,
                                    .id_len = strlen(id),
                                    .topic = (uint8_t)n,
                                    .bytes = bytes,
                                    .len = 100 + n * 37 % 700};
    return journal_append(journal, entry, 1);
}

struct reader {
    bool shown[EVENTS + 1];
    bool wrong;
};

static bool check_event(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
{
    struct reader *reader = self;
    char text[64];
    make_text(seq, text);
    if (seq == 0 || seq > EVENTS || len != 100 + seq * 37 % 700 ||
        memcmp(bytes, text, strlen(text) + 1) != 0 || bytes[len - 1] != (uint8_t)seq) {
        reader->wrong = true;
        return true;
    }
    reader->shown[seq] = true;
    return true;
}

/* Everything is shown, or lies in a stretch that was named. */
static bool read_all(struct journal *journal, struct reader *reader)
{
    uint64_t next = 1, from;
    bool named = false;
    while (next <= EVENTS) {
        from = next;
        enum fault fault = journal_read(journal, from, 50, 32768, &all, check_event, reader, &next);
        reader->wrong = reader->wrong || next <= from || (fault != OK && fault != FAULT_CORRUPT);
        if (reader->wrong) {
            return named;
        }
        for (uint64_t seq = from; seq < next && seq <= EVENTS; seq++) {
            reader->wrong = reader->wrong || (fault == OK && !reader->shown[seq]);
        }
        named = named || fault == FAULT_CORRUPT;
    }
    return named;
}

/* An id that could not be read is not in the index, and stays out when the next flip heals it, which
 * no disk does: so every flip gets an index of its own. */
static void drop_index(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/index/data.mdb", folder);
    MUST(unlink(path) == 0 || errno == ENOENT);
}

static void try_open(const char *folder)
{
    drop_index(folder);
    struct journal *journal;
    struct journal_stat stat;
    struct reader reader = {0};
    enum fault fault = journal_open(folder, &options, &journal, NULL);
    if (fault != OK) {
        stopped++;
        wrong += fault != FAULT_CORRUPT && fault != FAULT_VERSION;
        return;
    }
    journal_stat(journal, &stat);
    bool named = read_all(journal, &reader);
    reader.wrong = reader.wrong || stat.head != EVENTS;
    for (uint64_t n = 1; n <= EVENTS; n += 7) {
        struct journal_entry entry;
        bool shown = reader.shown[n];
        fault = append(journal, n, &entry);
        if (fault != OK || (shown && (!entry.duplicate || entry.seq != n))) {
            reader.wrong = true;
        }
    }
    wrong += reader.wrong;
    detected += named || stat.damaged;
    harmless += !named && !stat.damaged;
    journal_close(&journal);
}

static void load(const char *folder)
{
    for (unsigned n = 1; n < FILES_MAX; n++) {
        struct file *file = &files[file_count];
        snprintf(file->path, sizeof file->path, "%s/segment-%016u", folder, n);
        int fd = open(file->path, O_RDONLY);
        if (fd < 0) {
            snprintf(file->path, sizeof file->path, "%s/closed", folder);
            fd = open(file->path, O_RDONLY);
            MUST(fd >= 0);
            n = FILES_MAX;
        }
        file->len = (size_t)read(fd, file->bytes, sizeof file->bytes);
        close(fd);
        file_count++;
    }
    MUST(file_count > 3);
}

static void store(const struct file *file)
{
    int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && write(fd, file->bytes, file->len) == (ssize_t)file->len);
    close(fd);
}

static void restore(const char *folder)
{
    for (size_t i = 0; i < file_count; i++) {
        store(&files[i]);
    }
    char *extra = must_sprintf("%s/segment-%016zu", folder, file_count); /* damage may add one */
    unlink(extra);
    free(extra);
}

static void flip(const char *folder, uint64_t number)
{
    struct file *file = &files[number * 7 % file_count];
    size_t at = (size_t)(number * UINT64_C(2654435761) % file->len);
    if (number % 8 == 0) {
        at = number / 8 % 192; /* headers are small: also meant */
    } else if (number % 8 == 1 && file->len > 8192 + 256) {
        at = 8192 + number / 8 % 256;
    }
    at %= file->len;
    file->bytes[at] ^= (uint8_t)(1 << number % 8);
    store(file);
    file->bytes[at] ^= (uint8_t)(1 << number % 8);
    size_t before = wrong;
    try_open(folder);
    if (wrong != before && wrong < 6) {
        fprintf(stderr, "flip %llu: %s, byte %zu: a wrong answer\n", (unsigned long long)number,
                file->path, at);
    }
    restore(folder);
}

int main(int argc, char **argv)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    char *folder = must_sprintf("%s/usher-flips-XXXXXX", base);
    MUST(mkdtemp(folder));
    struct journal *journal;
    MUST(journal_open(folder, &options, &journal, NULL) == OK);
    for (uint64_t n = 1; n <= EVENTS; n++) {
        struct journal_entry entry;
        MUST(append(journal, n, &entry) == OK && entry.seq == n);
    }
    journal_close(&journal);
    load(folder);
    uint64_t flips = argc > 1 ? strtoull(argv[1], NULL, 10) : FLIPS;
    for (uint64_t i = 0; i < flips; i++) {
        flip(folder, i);
    }
    char *command = must_sprintf("rm -rf '%s'", folder);
    MUST(system(command) == 0);
    free(command);
    free(folder);
    printf("%llu flips: %zu harmless, %zu detected, %zu clean stops, %zu wrong\n",
           (unsigned long long)flips, harmless, detected, stopped, wrong);
    return wrong || !detected ? 1 : 0;
}

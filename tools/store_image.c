#include "store_image.h"

#include "must.h"
#include "store.h"
#include "store_walk.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORTED_MAX = 10, KEY_CHARS_SHOWN = 80 };
enum { EXIT_FAULT = 64 }; /* the child's exit codes begin there: below lie those of accidents */

/* One pair; what follows it in the buffer is the table's name and the key. */
struct record {
    uint32_t table_len;
    uint32_t key_len;
    uint8_t hash[SHA256_BYTES];
};

static bool is_own(const char *table)
{
    static const char *const own[] = {"meta", "outbox", "store", NULL};
    for (const char *const *name = own; *name; name++) {
        if (strcmp(*name, table) == 0) {
            return true;
        }
    }
    return false;
}

/* --- the child ------------------------------------------------------------------------------- */

struct child {
    FILE *to;
    bool failed;
};

static bool put_pair(void *self, const char *table, struct slice key, struct slice value)
{
    struct child *child = self;
    struct record record = {.table_len = (uint32_t)strlen(table), .key_len = (uint32_t)key.len};
    bool cursor = strcmp(table, "meta") == 0 && key.len == 6 && memcmp(key.bytes, "cursor", 6) == 0;
    if (cursor && value.len == 8) { /* the one value that is wanted itself */
        memcpy(record.hash, value.bytes, 8);
    } else {
        sha256(value.bytes, value.len, record.hash);
    }
    child->failed = fwrite(&record, sizeof record, 1, child->to) != 1 ||
                    fwrite(table, 1, record.table_len, child->to) != record.table_len ||
                    fwrite(key.bytes, 1, key.len, child->to) != key.len;
    return !child->failed;
}

_Noreturn static void run_child(const char *folder, int pipe_end)
{
    struct child child = {.to = fdopen(pipe_end, "w")};
    MUST(child.to);
    enum fault fault = store_walk(folder, put_pair, &child);
    bool written = !child.failed && fclose(child.to) == 0;
    _exit(EXIT_FAULT + (fault == OK && !written ? (int)FAULT_IO : (int)fault));
}

/* --- the parent ------------------------------------------------------------------------------ */

static bool next_record(const struct buf *records, size_t *at, struct record *record,
                        const char **table, const uint8_t **key)
{
    if (records->len - *at < sizeof *record) {
        return false;
    }
    memcpy(record, records->bytes + *at, sizeof *record);
    size_t rest = records->len - *at - sizeof *record;
    if (rest < record->table_len || rest - record->table_len < record->key_len) {
        return false;
    }
    *table = (const char *)records->bytes + *at + sizeof *record;
    *key = (const uint8_t *)*table + record->table_len;
    *at += sizeof *record + record->table_len + record->key_len;
    return true;
}

static void summarise(struct store_image *image)
{
    struct record record;
    const char *table;
    const uint8_t *key;
    char last[64] = "";
    memset(image->digest, 0, sizeof image->digest);
    for (size_t at = 0; next_record(&image->records, &at, &record, &table, &key);) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)record.table_len, table);
        image->tables += strcmp(name, last) != 0;
        memcpy(last, name, sizeof last);
        image->pairs++;
        if (!is_own(name)) {
            struct slice parts[] = {{image->digest, sizeof image->digest},
                                    {&record, sizeof record},
                                    {table, record.table_len},
                                    {key, record.key_len}};
            uint8_t digest[SHA256_BYTES];
            sha256_parts(parts, sizeof parts / sizeof *parts, digest);
            memcpy(image->digest, digest, sizeof digest);
        } else if (strcmp(name, "meta") == 0 && record.key_len == 6 &&
                   memcmp(key, "cursor", 6) == 0) {
            image->cursor = store_key_number(record.hash);
        }
    }
}

static void read_all(int fd, struct buf *into)
{
    enum { PIECE = 65536 };
    for (;;) {
        ssize_t got = read(fd, buf_room(into, PIECE), PIECE);
        if (got > 0) {
            into->len += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return;
        }
    }
}

enum fault store_image_take(const char *folder, struct store_image *image)
{
    int ends[2], status = 0;
    *image = (struct store_image){0};
    if (pipe(ends) != 0) {
        return fault_from_errno(errno);
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return FAULT_IO;
    }
    if (pid == 0) {
        close(ends[0]);
        run_child(folder, ends[1]);
    }
    close(ends[1]);
    read_all(ends[0], &image->records);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    summarise(image);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) - EXIT_FAULT : -1;
    if (code < 0 || code >= FAULT_COUNT) {
        return FAULT_CORRUPT; /* LMDB could not bear what it read */
    }
    return (enum fault)code;
}

void store_image_fini(struct store_image *image)
{
    buf_fini(&image->records);
}

/* --- comparing ------------------------------------------------------------------------------- */

struct side {
    const struct buf *records;
    size_t at;
    bool there;
    struct record record;
    const char *table;
    const uint8_t *key;
};

static void step(struct side *side)
{
    char name[64];
    do {
        side->there =
            next_record(side->records, &side->at, &side->record, &side->table, &side->key);
        if (side->there) {
            snprintf(name, sizeof name, "%.*s", (int)side->record.table_len, side->table);
        }
    } while (side->there && is_own(name));
}

static int order_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    int differ = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return differ ? differ : (a_len > b_len) - (a_len < b_len);
}

static int order_sides(const struct side *a, const struct side *b)
{
    if (!a->there || !b->there) {
        return b->there - a->there;
    }
    int differ = order_bytes(a->table, a->record.table_len, b->table, b->record.table_len);
    return differ ? differ : order_bytes(a->key, a->record.key_len, b->key, b->record.key_len);
}

static void report_one(const struct side *side, const char *what, struct buf *report)
{
    buf_printf(report, "%.*s: ", (int)side->record.table_len, side->table);
    for (size_t i = 0; i < side->record.key_len && i < KEY_CHARS_SHOWN; i++) {
        if (isprint(side->key[i])) {
            buf_printf(report, "%c", side->key[i]);
        } else {
            buf_printf(report, "\\x%02x", side->key[i]);
        }
    }
    buf_printf(report, " %s\n", what);
}

uint64_t store_image_compare(const struct store_image *before, const struct store_image *after,
                             struct buf *report)
{
    struct side old = {.records = &before->records}, new = {.records = &after->records};
    uint64_t differences = 0;
    step(&old);
    step(&new);
    while (old.there || new.there) {
        int order = order_sides(&old, &new);
        bool same = order == 0 && digest_same(old.record.hash, new.record.hash, SHA256_BYTES);
        differences += !same;
        if (!same && differences <= REPORTED_MAX) {
            report_one(order <= 0 ? &old : &new,
                       order == 0  ? "differs"
                       : order < 0 ? "is missing"
                                   : "is new",
                       report);
        }
        if (order <= 0) {
            step(&old);
        }
        if (order >= 0) {
            step(&new);
        }
    }
    return differences;
}

uint64_t store_image_missing(const struct store_image *before, const struct store_image *after,
                             const char *table, struct buf *report)
{
    struct side old = {.records = &before->records}, new = {.records = &after->records};
    uint64_t missing = 0;
    step(&old);
    step(&new);
    while (old.there) {
        int order = order_sides(&old, &new);
        bool counts = order < 0 && old.record.table_len == strlen(table) &&
                      memcmp(old.table, table, old.record.table_len) == 0;
        missing += counts;
        if (counts && missing <= REPORTED_MAX) {
            report_one(&old, "is missing", report);
        }
        if (order <= 0) {
            step(&old);
        }
        if (order >= 0) {
            step(&new);
        }
    }
    return missing;
}

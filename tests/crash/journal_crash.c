/* journal_crash.c - the journal after a power cut, some thousand times.
 *
 * Use        journal_crash [IMAGES]   Default 6000. Built with USHER_MUTANT_ACK_BEFORE_SYNC (a planted
 *            bug) it succeeds only if the campaign catches the bug.
 * Checks     For every image: everything acknowledged before the cut is there and the same, nothing
 *            damaged or invented is shown, ids stay unique, appending goes on.
 * See        disk.h for what a power cut may do. */
#include "disk.h"

#include "journal.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGES = 6000, BATCHES = 90, BATCH_EVENTS_MAX = 6, EVENTS_MAX = BATCHES * 8 };

static const struct journal_options options = {.segment_bytes = 24 * 1024, .disk_free_min = 1};
static const struct journal_topics all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static size_t violations;

static void violated(const char *what, uint64_t image, uint64_t got, uint64_t expected)
{
    if (violations++ < 5) {
        fprintf(stderr, "image %llu: %s: %llu, expected %llu\n", (unsigned long long)image, what,
                (unsigned long long)got, (unsigned long long)expected);
    }
}

struct event {
    char id[24];
    uint8_t bytes[900];
    size_t len;
};

/* Event n is the same in every run. */
static void make_event(uint64_t n, struct event *event)
{
    snprintf(event->id, sizeof event->id, "crash:%llu", (unsigned long long)n);
    event->len = 20 + n * 7919 % 880;
    for (size_t i = 0; i < event->len; i++) {
        event->bytes[i] = (uint8_t)(n * 31 + i * 7 + i / 100);
    }
}

static enum fault append(struct journal *journal, uint64_t first, size_t count, uint64_t *seqs)
{
    static struct event events[BATCH_EVENTS_MAX];
    struct journal_entry entries[BATCH_EVENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        make_event(first + i, &events[i]);
        entries[i] = (struct journal_entry){.id = events[i].id,
                                            .id_len = strlen(events[i].id),
                                            .topic = (uint8_t)(first + i),
                                            .bytes = events[i].bytes,
                                            .len = events[i].len};
    }
    enum fault fault = journal_append(journal, entries, count);
    for (size_t i = 0; i < count && seqs; i++) {
        seqs[i] = entries[i].seq;
    }
    return fault;
}

/* Batches over several segments, with a proper end and a new start on the way. */
static uint64_t workload(const char *folder)
{
    struct journal *journal;
    uint64_t head = 0;
    disk_record();
    MUST(journal_open(folder, &options, &journal, NULL) == OK);
    for (int i = 0; i < BATCHES; i++) {
        size_t count = 1 + (size_t)(i * 5 + i / 7) % BATCH_EVENTS_MAX;
        MUST(append(journal, head + 1, count, NULL) == OK);
        head += count;
        disk_ack(head);
        if (i == BATCHES / 2) {
            journal_close(&journal);
            MUST(journal_open(folder, &options, &journal, NULL) == OK);
        }
    }
    journal_close(&journal);
    disk_record_end();
    return head;
}

struct reader {
    uint64_t image, next;
};

static bool check_event(void *self, uint64_t seq, const uint8_t *bytes, size_t len)
{
    struct reader *reader = self;
    struct event event;
    make_event(seq, &event);
    if (seq != reader->next) {
        violated("another number", reader->image, seq, reader->next);
    }
    if (len != event.len || memcmp(bytes, event.bytes, len) != 0) {
        violated("content that nobody wrote", reader->image, seq, seq);
    }
    reader->next = seq + 1;
    return true;
}

static void read_all(struct journal *journal, uint64_t image, uint64_t head)
{
    struct reader reader = {.image = image, .next = 1};
    uint64_t next = 1;
    while (next <= head) {
        uint64_t from = next;
        enum fault fault =
            journal_read(journal, from, 100, 65536, &all, check_event, &reader, &next);
        if (fault != OK || next <= from) {
            violated(fault_words(fault), image, from, head);
            return;
        }
    }
    if (reader.next != head + 1) {
        violated("events shown", image, reader.next - 1, head);
    }
}

static void check_image(const char *folder, uint64_t image, uint64_t written)
{
    struct journal *journal;
    struct journal_stat stat;
    struct buf why = {0};
    enum fault fault = journal_open(folder, &options, &journal, &why);
    if (fault != OK) {
        fprintf(stderr, "%s", buf_text(&why));
        violated("does not open", image, fault, OK);
        buf_fini(&why);
        return;
    }
    buf_fini(&why);
    journal_stat(journal, &stat);
    if (stat.head < disk_acked()) {
        violated("acknowledged and lost", image, stat.head, disk_acked());
    }
    if (stat.head > written || stat.damaged) {
        violated("invented or damaged", image, stat.head, written);
    }
    read_all(journal, image, stat.head);
    uint64_t seqs[BATCH_EVENTS_MAX];
    uint64_t first = stat.head > 2 ? stat.head - 1 : 1; /* old ones and new ones together */
    fault = append(journal, first, BATCH_EVENTS_MAX, seqs);
    for (size_t i = 0; i < BATCH_EVENTS_MAX; i++) {
        if (fault != OK || seqs[i] != first + i) {
            violated("appended", image, fault == OK ? seqs[i] : 0, first + i);
        }
    }
    if (fault == OK && stat.head && (append(journal, 1, 1, seqs) != OK || seqs[0] != 1)) {
        violated("the first id", image, seqs[0], 1);
    }
    journal_stat(journal, &stat);
    read_all(journal, image, stat.head);
    journal_close(&journal);
    if (image % 16 == 0) {
        struct buf report = {0};
        if (journal_verify(folder, &stat, &report) != OK) {
            violated(buf_text(&report), image, stat.damaged, 0);
        }
        buf_fini(&report);
    }
}

static char *make_folder(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    char *folder = must_sprintf("%s/usher-crash-XXXXXX", base ? base : "/tmp");
    MUST(mkdtemp(folder));
    return folder;
}

static size_t count_points(void)
{
    size_t points = 0;
    disk_replay_start();
    while (disk_replay_step()) {
        points += disk_dirty();
    }
    return points;
}

static uint64_t campaign(const char *folder, uint64_t wanted, uint64_t written)
{
    uint64_t image = 0, each = wanted / count_points() + 1;
    disk_replay_start();
    for (bool more = true; more;) {
        for (uint64_t i = 0; i < (disk_dirty() ? each : 1); i++, image++) {
            disk_image(folder, image * 1000003);
            check_image(folder, image, written);
        }
        more = disk_replay_step();
    }
    return image;
}

int main(int argc, char **argv)
{
    char *folder = make_folder();
    char *work = must_sprintf("%s/work", folder), *image = must_sprintf("%s/image", folder);
    uint64_t written = workload(work);
    uint64_t images = campaign(image, argc > 1 ? strtoull(argv[1], NULL, 10) : IMAGES, written);
    disk_forget();
    char *command = must_sprintf("rm -rf '%s'", folder);
    MUST(system(command) == 0);
    free(command);
    free(folder);
    free(work);
    free(image);
    printf("%llu events, %llu images, %zu violations\n", (unsigned long long)written,
           (unsigned long long)images, violations);
#ifdef USHER_MUTANT_ACK_BEFORE_SYNC
    printf(violations ? "the planted bug was caught\n" : "the planted bug was NOT caught\n");
    return violations ? 0 : 1;
#else
    return violations ? 1 : 0;
#endif
}

#include "journal_core.h"

#include "clock.h"
#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    RETRY_MS = 200,
    LOOK_MS = 250, /* how long a look at the load takes */
    CALM_BYTES =
        2 * 1048576,   /* appended in that time at most: then there is time for other things */
    IDLE_PAUSE_MS = 5, /* between two pieces of work, nothing being appended */
    CALM_PAUSE_MS = 40,
    IDLE_IDS = 1024, /* in a transaction of the index */
    CALM_IDS = 128,
    PENDING_HIGH = 5,
    TABLES_BYTES_HIGH = 6 << 20, /* of the tables that wait for the index */
    TABLES_BYTES_MAX = 12 << 20,
    GATHER_IDS = 256 * 1024 /* indexed in one go, unless one segment alone has more */
};

/* --- how busy the journal is ------------------------------------------------------------------ */

/* A commit waits for whatever else is in the disk's queue. So what can wait is done while little is
 * appended. */
static enum load look(struct helper *helper)
{
    int64_t now = clock_mono_ms();
    uint64_t written = atomic_load_explicit(&helper->written, memory_order_relaxed);
    uint64_t lately = written - helper->load_written;
    int64_t since = now - helper->load_ms;
    if (since >= LOOK_MS) {
        uint64_t share = lately * LOOK_MS / (uint64_t)since;
        helper->load = lately == 0 ? LOAD_IDLE : share <= CALM_BYTES ? LOAD_CALM : LOAD_BUSY;
        helper->load_ms = now;
        helper->load_written = written;
    } else if (lately > CALM_BYTES) {
        helper->load = LOAD_BUSY;
    } else if (lately && helper->load == LOAD_IDLE) {
        helper->load = LOAD_CALM;
    }
    return helper->load;
}

/* With the lock held. */
static void wait_a_little(struct helper *helper, long wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += wait_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&helper->wake, &helper->lock, &until);
}

/* --- spare files ------------------------------------------------------------------------------ */

static bool spare_missing(const struct helper *helper, size_t *n)
{
    size_t ready = 0;
    bool missing = false;
    for (size_t i = SPARES_MAX; i-- > 0;) {
        ready += helper->spares[i];
        if (!helper->spares[i]) {
            *n = i;
            missing = true;
        }
    }
    return missing && ready < helper->spares_wanted && !helper->no_room;
}

/* Called with the lock held; works without it. */
static void make_spare(struct journal *journal, size_t n, enum load load)
{
    struct helper *helper = &journal->helper;
    bool whole;
    pthread_mutex_unlock(&helper->lock);
    enum fault fault = spare_step(journal, n, &whole);
    pthread_mutex_lock(&helper->lock);
    helper->spares[n] = whole;
    helper->no_room = fault != OK;
    if (!helper->stop) {
        wait_a_little(helper, load == LOAD_IDLE ? IDLE_PAUSE_MS : CALM_PAUSE_MS);
    }
}

static void find_spares(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    for (size_t i = 0; i < SPARES_MAX; i++) {
        char name[SEGMENT_NAME_CHARS];
        struct stat info;
        spare_name(i, name);
        helper->spares[i] = fstatat(journal->folder_fd, name, &info, 0) == 0 &&
                            (uint64_t)info.st_size == journal->segment_bytes;
    }
    helper->spares_wanted = 1;
}

/* --- the index -------------------------------------------------------------------------------- */

static bool is_pending(const struct helper *helper)
{
    bool found = false;
    for (size_t i = 0; i < helper->pending_count; i++) {
        found = found || !helper->pending[i].done;
    }
    return found;
}

static size_t tables_bytes(const struct helper *helper)
{
    size_t bytes = 0;
    for (size_t i = 0; i < helper->pending_count; i++) {
        bytes += helper->pending[i].ids.capacity * sizeof *helper->pending[i].ids.slots;
    }
    return bytes;
}

static bool backlog_high(const struct helper *helper)
{
    return helper->pending_count >= PENDING_HIGH || tables_bytes(helper) > TABLES_BYTES_HIGH;
}

static bool backlog_full(const struct helper *helper)
{
    return helper->pending_count == PENDING_MAX || tables_bytes(helper) > TABLES_BYTES_MAX;
}

/* An id_index_pace: small transactions while something is appended, none while much is, unless the
 * journal would have to wait otherwise. */
static size_t index_pace(void *self)
{
    struct helper *helper = self;
    size_t ids = 0;
    pthread_mutex_lock(&helper->lock);
    while (!helper->stop && ids == 0) {
        enum load load = look(helper);
        if (backlog_high(helper)) {
            ids = ID_SLICE_MAX;
        } else {
            wait_a_little(helper, load == LOAD_IDLE ? IDLE_PAUSE_MS : CALM_PAUSE_MS);
            ids = load == LOAD_IDLE ? IDLE_IDS : load == LOAD_CALM ? CALM_IDS : 0;
        }
    }
    pthread_mutex_unlock(&helper->lock);
    return ids;
}

static enum fault gather_segment(const struct journal *journal, const struct pending *pending,
                                 struct id_gathered *gathered)
{
    char name[SEGMENT_NAME_CHARS];
    segment_name(pending->header.number, name);
    int fd = openat(journal->folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return FAULT_IO;
    }
    struct source source;
    source_of_file(&source, fd, pending->header.bytes);
    enum fault fault = id_gather(gathered, &source, &pending->header, pending->end_seq);
    source_fini(&source);
    close(fd);
    return fault;
}

/* Indexes what waits, in one go. Called with the lock held; works without it. False: to be tried
 * again later. */
static bool index_pending(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    struct pending waiting[PENDING_MAX];
    size_t count = 0, ids = 0;
    for (size_t i = 0; i < helper->pending_count; i++) {
        const struct pending *pending = &helper->pending[i];
        ids += pending->done ? 0 : pending->ids.count;
        if (!pending->done && (count == 0 || ids <= GATHER_IDS)) {
            waiting[count++] = *pending;
        }
    }
    pthread_mutex_unlock(&helper->lock);
    struct id_gathered gathered = {0};
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < count; i++) {
        fault = gather_segment(journal, &waiting[i], &gathered);
    }
    if (fault == OK) {
        id_filter_add_gathered(&helper->filter, &gathered); /* before the tables go */
        fault = id_index_write(journal->index, &gathered, index_pace, helper);
    }
    pthread_mutex_lock(&helper->lock);
    for (size_t i = 0; fault == OK && i < helper->pending_count; i++) {
        for (size_t k = 0; k < gathered.segment_count; k++) {
            helper->pending[i].done = helper->pending[i].done || helper->pending[i].header.number ==
                                                                     gathered.segments[k].number;
        }
    }
    id_gathered_fini(&gathered);
    helper->full = fault == FAULT_FULL;
    if (fault != OK && fault != FAULT_FULL && fault != FAULT_BUSY) {
        helper->fault = fault;
    }
    pthread_cond_broadcast(&helper->told);
    return fault == OK;
}

/* What the index held at the start; what it gets later is added by whoever writes it. With the lock
 * held; works without it. */
static void fill_filter(struct journal *journal, enum load load)
{
    struct helper *helper = &journal->helper;
    bool end = false;
    pthread_mutex_unlock(&helper->lock);
    enum fault fault = id_filter_fill(&helper->filter, journal->index, helper->filter_from, &end);
    pthread_mutex_lock(&helper->lock);
    if (fault == OK && end) {
        atomic_store_explicit(&helper->filter.whole, true, memory_order_release);
    } else if (!helper->stop) {
        wait_a_little(helper, fault != OK         ? RETRY_MS
                              : load == LOAD_IDLE ? IDLE_PAUSE_MS
                                                  : CALM_PAUSE_MS);
    }
}

static void *helper_run(void *self)
{
    struct journal *journal = self;
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    while (!helper->stop) {
        enum load load = look(helper);
        size_t n;
        bool pending = helper->fault == OK && is_pending(helper), urgent = backlog_high(helper);
        bool missing = spare_missing(helper, &n), filled = helper->filter.whole;
        if (!filled && load != LOAD_BUSY && !(pending && urgent)) {
            fill_filter(journal, load);
        } else if (missing && load != LOAD_BUSY && !(pending && urgent)) {
            make_spare(journal, n, load);
        } else if (pending && (load != LOAD_BUSY || urgent)) {
            if (!index_pending(journal) && !helper->stop) {
                wait_a_little(helper, RETRY_MS);
            }
        } else if (pending || missing || !filled) {
            wait_a_little(helper, LOOK_MS);
        } else {
            pthread_cond_wait(&helper->wake, &helper->lock);
        }
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

/* --- from the journal's thread ---------------------------------------------------------------- */

enum fault helper_start(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    find_spares(journal);
    id_filter_init(&helper->filter);
    if (pthread_create(&helper->thread, NULL, helper_run, journal) != 0) {
        return FAULT_FULL;
    }
    helper->running = true;
    return OK;
}

void helper_stop(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    if (helper->running) {
        pthread_mutex_lock(&helper->lock);
        helper->stop = true;
        pthread_cond_broadcast(&helper->wake);
        pthread_mutex_unlock(&helper->lock);
        pthread_join(helper->thread, NULL);
        helper->running = false;
    }
    if (helper->draft_fd >= 0) {
        close(helper->draft_fd);
        helper->draft_fd = -1;
    }
    for (size_t i = 0; i < helper->pending_count; i++) {
        id_table_fini(&helper->pending[i].ids);
    }
    helper->pending_count = 0;
}

void helper_wake(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    if (helper->no_room) {
        helper->no_room = journal_io->free_bytes(journal->folder_fd) <
                          journal->segment_bytes + journal->disk_free_min;
        pthread_cond_signal(&helper->wake);
    }
    pthread_mutex_unlock(&helper->lock);
}

bool helper_spare(struct journal *journal, size_t *n)
{
    struct helper *helper = &journal->helper;
    bool found = false;
    pthread_mutex_lock(&helper->lock);
    for (size_t i = 0; i < SPARES_MAX && !found; i++) {
        *n = i;
        found = helper->spares[i];
    }
    pthread_mutex_unlock(&helper->lock);
    return found;
}

enum fault helper_room(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    enum fault fault = helper_adopt(journal);
    while (fault == OK && backlog_full(helper)) {
        pthread_mutex_lock(&helper->lock);
        while (!helper->pending[0].done && helper->fault == OK && !helper->full) {
            pthread_cond_wait(&helper->told, &helper->lock);
        }
        bool full = helper->full && !helper->pending[0].done;
        pthread_mutex_unlock(&helper->lock);
        fault = helper_adopt(journal);
        if (fault == OK && full) {
            fault = FAULT_FULL;
        }
    }
    return fault;
}

bool helper_may_owe(const struct journal *journal)
{
    return !backlog_full(&journal->helper);
}

void helper_owe(struct journal *journal, const struct segment_header *sealed, uint64_t end_seq,
                struct id_table *ids)
{
    struct helper *helper = &journal->helper;
    MUST(helper->pending_count < PENDING_MAX);
    helper->pending[helper->pending_count++] =
        (struct pending){.header = *sealed, .end_seq = end_seq, .ids = *ids};
    *ids = (struct id_table){0};
}

void helper_seal(struct journal *journal, const struct segment_header *sealed, const size_t *spare)
{
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    helper_owe(journal, sealed, journal->head + 1, &journal->ids);
    if (spare) {
        helper->spares[*spare] = false;
    }
    helper->spares_wanted += helper->spares_wanted < SPARES_MAX;
    pthread_cond_signal(&helper->wake);
    pthread_mutex_unlock(&helper->lock);
}

enum fault helper_adopt(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    size_t kept = 0;
    for (size_t i = 0; i < helper->pending_count; i++) {
        if (helper->pending[i].done) {
            id_table_fini(&helper->pending[i].ids);
        } else {
            helper->pending[kept++] = helper->pending[i];
        }
    }
    helper->pending_count = kept;
    enum fault fault = helper->fault;
    pthread_mutex_unlock(&helper->lock);
    return fault;
}

#include "journal_core.h"

#include "must.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 200 };

/* Called with the lock held; makes the next file without it. */
static void make_spare(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    helper->spare = SPARE_MAKING;
    pthread_mutex_unlock(&helper->lock);
    enum fault fault = spare_make(journal, true);
    pthread_mutex_lock(&helper->lock);
    helper->spare = fault == OK ? SPARE_READY : SPARE_FAILED;
    pthread_cond_broadcast(&helper->told);
}

static bool is_pending(const struct helper *helper)
{
    bool found = false;
    for (size_t i = 0; i < helper->pending_count; i++) {
        found = found || !helper->pending[i].done;
    }
    return found;
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

/* Indexes all that waits, in one go. Called with the lock held; works without it. False: to be tried
 * again later. */
static bool index_pending(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    struct pending waiting[PENDING_MAX];
    size_t count = helper->pending_count;
    memcpy(waiting, helper->pending, count * sizeof *waiting);
    pthread_mutex_unlock(&helper->lock);
    struct id_gathered gathered = {0};
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < count; i++) {
        if (!waiting[i].done) {
            fault = gather_segment(journal, &waiting[i], &gathered);
        }
    }
    if (fault == OK) {
        fault = id_index_write(journal->index, &gathered, &helper->stop);
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

static void wait_a_little(struct helper *helper)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += RETRY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&helper->wake, &helper->lock, &until);
}

static void *helper_run(void *self)
{
    struct journal *journal = self;
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    while (!helper->stop) {
        bool pending = helper->fault == OK && is_pending(helper);
        if (helper->spare == SPARE_NONE) {
            make_spare(journal);
        } else if (pending) {
            if (!index_pending(journal) && !helper->stop) {
                wait_a_little(helper);
            }
        } else {
            pthread_cond_wait(&helper->wake, &helper->lock);
        }
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

static bool spare_is_there(const struct journal *journal)
{
    struct stat info;
    return fstatat(journal->folder_fd, "spare", &info, 0) == 0 &&
           (uint64_t)info.st_size == journal->segment_bytes;
}

enum fault helper_start(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    helper->spare = spare_is_there(journal) ? SPARE_READY : SPARE_NONE;
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
    for (size_t i = 0; i < helper->pending_count; i++) {
        id_table_fini(&helper->pending[i].ids);
    }
    helper->pending_count = 0;
}

void helper_wake(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    if (helper->spare == SPARE_FAILED && journal_io->free_bytes(journal->folder_fd) >=
                                             journal->segment_bytes + journal->disk_free_min) {
        helper->spare = SPARE_NONE;
    }
    pthread_cond_signal(&helper->wake);
    pthread_mutex_unlock(&helper->lock);
}

enum fault helper_spare(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    enum fault fault = OK;
    pthread_mutex_lock(&helper->lock);
    while (helper->spare == SPARE_MAKING) {
        pthread_cond_wait(&helper->told, &helper->lock);
    }
    if (helper->spare != SPARE_READY) {
        helper->spare = SPARE_MAKING;
        pthread_mutex_unlock(&helper->lock);
        fault = spare_make(journal, false);
        pthread_mutex_lock(&helper->lock);
        helper->spare = fault == OK ? SPARE_READY : SPARE_FAILED;
    }
    pthread_mutex_unlock(&helper->lock);
    return fault;
}

enum fault helper_room(struct journal *journal)
{
    struct helper *helper = &journal->helper;
    enum fault fault = helper_adopt(journal);
    while (fault == OK && helper->pending_count == PENDING_MAX) {
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

void helper_seal(struct journal *journal, const struct segment_header *sealed)
{
    struct helper *helper = &journal->helper;
    pthread_mutex_lock(&helper->lock);
    MUST(helper->pending_count < PENDING_MAX);
    helper->pending[helper->pending_count++] =
        (struct pending){.header = *sealed, .end_seq = journal->head + 1, .ids = journal->ids};
    journal->ids = (struct id_table){0};
    helper->spare = SPARE_NONE;
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

#include "disk.h"

#include "journal_io.h"
#include "must.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPS_MAX = 4096, FILES_MAX = 512, NAME_CHARS = 64 };

enum kind { CREATE, WRITE, SYNC, RENAME, UNLINK, SYNC_FOLDER, ACK };

struct op {
    enum kind kind;
    int file;
    uint64_t offset; /* or the acknowledged head */
    size_t len;
    uint8_t *bytes;
    char from[NAME_CHARS], to[NAME_CHARS];
};

static struct op ops[OPS_MAX];
static size_t op_count;
static ino_t inodes[FILES_MAX];
static int file_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct op *add(enum kind kind)
{
    MUST(op_count < OPS_MAX);
    ops[op_count] = (struct op){.kind = kind};
    return &ops[op_count++];
}

/* The newest file with this inode: numbers are used again. */
static int file_of(int fd)
{
    struct stat info;
    MUST(fstat(fd, &info) == 0);
    for (int i = file_count; i-- > 0;) {
        if (inodes[i] == info.st_ino) {
            return i;
        }
    }
    must_fail("a file that was created", __FILE__, __LINE__);
}

static int record_create(int folder_fd, const char *name, int *fd)
{
    pthread_mutex_lock(&lock);
    MUST(journal_io_disk.create(folder_fd, name, fd) == 0);
    struct stat info;
    MUST(fstat(*fd, &info) == 0 && file_count < FILES_MAX);
    struct op *op = add(CREATE);
    op->file = file_count;
    inodes[file_count++] = info.st_ino;
    snprintf(op->to, sizeof op->to, "%s", name);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int record_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
    pthread_mutex_lock(&lock);
    MUST(journal_io_disk.write(fd, bytes, len, offset) == 0);
    struct op *op = add(WRITE);
    op->file = file_of(fd);
    op->offset = offset;
    op->len = len;
    op->bytes = must_malloc(len);
    memcpy(op->bytes, bytes, len);
    pthread_mutex_unlock(&lock);
    return 0;
}

/* What is reserved and not synced may be there in part, as if it were written: zeros. */
static int record_reserve(int fd, uint64_t len)
{
    uint8_t *zeros = must_calloc(1, len);
    int code = record_write(fd, zeros, len, 0);
    free(zeros);
    return code;
}

static int record_sync(int fd)
{
    pthread_mutex_lock(&lock);
    add(SYNC)->file = file_of(fd);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int record_rename(int folder_fd, const char *from, const char *to)
{
    pthread_mutex_lock(&lock);
    int code = journal_io_disk.rename(folder_fd, from, to);
    MUST(code == 0);
    struct op *op = add(RENAME);
    snprintf(op->from, sizeof op->from, "%s", from);
    snprintf(op->to, sizeof op->to, "%s", to);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int record_unlink(int folder_fd, const char *name)
{
    pthread_mutex_lock(&lock);
    int code = journal_io_disk.unlink(folder_fd, name);
    if (code == 0) {
        snprintf(add(UNLINK)->from, NAME_CHARS, "%s", name);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int record_sync_folder(int folder_fd)
{
    (void)folder_fd;
    pthread_mutex_lock(&lock);
    add(SYNC_FOLDER);
    pthread_mutex_unlock(&lock);
    return 0;
}

static uint64_t plenty(int folder_fd)
{
    (void)folder_fd;
    return UINT32_MAX;
}

static const struct journal_io recorder = {.create = record_create,
                                           .write = record_write,
                                           .reserve = record_reserve,
                                           .sync = record_sync,
                                           .rename = record_rename,
                                           .unlink = record_unlink,
                                           .sync_folder = record_sync_folder,
                                           .free_bytes = plenty};

void disk_record(void)
{
    journal_io = &recorder;
}

void disk_record_end(void)
{
    journal_io = &journal_io_disk;
}

void disk_ack(uint64_t head)
{
    pthread_mutex_lock(&lock);
    add(ACK)->offset = head;
    pthread_mutex_unlock(&lock);
}

/* The state of the replay. */
struct file {
    uint8_t *bytes; /* synced */
    size_t len;
    const struct op *waiting[OPS_MAX / 8]; /* written, not synced */
    size_t waiting_count;
};

struct name {
    char text[NAME_CHARS];
    int file;
};

struct names {
    struct name at[FILES_MAX];
    size_t count;
};

static struct file files[FILES_MAX];
static struct names names;
static const struct op *renames[OPS_MAX]; /* changes of names, not synced */
static size_t rename_count;
static size_t step;
static uint64_t acked;

static void name_drop(struct names *in, const char *text)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->at[i].text, text) == 0) {
            in->at[i] = in->at[--in->count];
            return;
        }
    }
}

static void name_apply(struct names *in, const struct op *op)
{
    struct name name = {.file = op->file};
    if (op->kind == RENAME) {
        for (size_t i = 0; i < in->count; i++) {
            name.file = strcmp(in->at[i].text, op->from) == 0 ? in->at[i].file : name.file;
        }
    }
    if (op->kind != CREATE) {
        name_drop(in, op->from);
    }
    if (op->kind != UNLINK) {
        name_drop(in, op->to);
        snprintf(name.text, sizeof name.text, "%s", op->to);
        in->at[in->count++] = name;
    }
}

static void put_bytes(uint8_t **bytes, size_t *len, uint64_t offset, const uint8_t *from,
                      size_t count)
{
    if (offset + count > *len) {
        *bytes = must_realloc(*bytes, offset + count);
        memset(*bytes + *len, 0, offset + count - *len);
        *len = offset + count;
    }
    memcpy(*bytes + offset, from, count);
}

void disk_replay_start(void)
{
    for (int i = 0; i < file_count; i++) {
        free(files[i].bytes);
        files[i] = (struct file){0};
    }
    step = 0;
    acked = 0;
    rename_count = 0;
    names.count = 0;
}

bool disk_replay_step(void)
{
    if (step == op_count) {
        return false;
    }
    const struct op *op = &ops[step++];
    struct file *file = &files[op->file];
    switch (op->kind) {
    case WRITE:
        MUST(file->waiting_count < OPS_MAX / 8);
        file->waiting[file->waiting_count++] = op;
        break;
    case SYNC:
        for (size_t i = 0; i < file->waiting_count; i++) {
            put_bytes(&file->bytes, &file->len, file->waiting[i]->offset, file->waiting[i]->bytes,
                      file->waiting[i]->len);
        }
        file->waiting_count = 0;
        break;
    case CREATE:
    case RENAME:
    case UNLINK:
        renames[rename_count++] = op;
        break;
    case SYNC_FOLDER:
        for (size_t i = 0; i < rename_count; i++) {
            name_apply(&names, renames[i]);
        }
        rename_count = 0;
        break;
    case ACK:
        acked = op->offset;
        break;
    }
    return true;
}

uint64_t disk_acked(void)
{
    return acked;
}

bool disk_dirty(void)
{
    bool dirty = rename_count > 0;
    for (int i = 0; i < file_count; i++) {
        dirty = dirty || files[i].waiting_count;
    }
    return dirty;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Ways to lose: how likely a sector is to have arrived, of 8; and where the first few alone did. */
struct luck {
    unsigned arrived;
    size_t first_sectors; /* 0: any */
    bool drop_first;      /* the first sector of each write is late */
};

static struct luck draw(uint64_t *seed)
{
    static const unsigned odds[] = {0, 8, 4, 4, 1, 7, 8, 8};
    uint64_t random = next_random(seed);
    return (struct luck){.arrived = odds[random % 8],
                         .first_sectors = random >> 8 & 3 ? 0 : 1 + (random >> 16) % 4,
                         .drop_first = (random >> 24 & 7) == 0};
}

static void apply_waiting(const struct op *op, const struct luck *luck, uint64_t *seed,
                          uint8_t **bytes, size_t *len)
{
    size_t sector = 0;
    for (size_t at = 0; at < op->len; sector++) {
        size_t left = SECTOR_BYTES - (op->offset + at) % SECTOR_BYTES;
        size_t count = op->len - at < left ? op->len - at : left;
        bool arrives = next_random(seed) % 8 < luck->arrived &&
                       (!luck->first_sectors || sector < luck->first_sectors) &&
                       !(luck->drop_first && sector == 0);
        if (arrives) {
            put_bytes(bytes, len, op->offset + at, op->bytes + at, count);
        }
        at += count;
    }
}

static void write_file(const char *folder, const char *name, const uint8_t *bytes, size_t len)
{
    char *path = must_sprintf("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && (len == 0 || write(fd, bytes, len) == (ssize_t)len));
    close(fd);
    free(path);
}

static void empty_folder(const char *folder)
{
    mkdir(folder, 0700);
    DIR *listing = opendir(folder);
    MUST(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char *path = must_sprintf("%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, "index") == 0) {
            empty_folder(path);
        } else if (entry->d_type == DT_REG) {
            MUST(unlink(path) == 0);
        }
        free(path);
    }
    closedir(listing);
}

void disk_image(const char *folder, uint64_t seed)
{
    empty_folder(folder);
    static struct names now;
    now = names;
    size_t changed = rename_count ? next_random(&seed) % (rename_count + 1) : 0;
    for (size_t i = 0; i < changed; i++) {
        name_apply(&now, renames[i]);
    }
    struct luck luck = draw(&seed);
    for (size_t i = 0; i < now.count; i++) {
        const struct file *file = &files[now.at[i].file];
        size_t len = file->len;
        uint8_t *bytes = must_malloc(len + 1);
        if (len) {
            memcpy(bytes, file->bytes, len);
        }
        for (size_t k = 0; k < file->waiting_count; k++) {
            apply_waiting(file->waiting[k], &luck, &seed, &bytes, &len);
        }
        write_file(folder, now.at[i].text, bytes, len);
        free(bytes);
    }
}

void disk_forget(void)
{
    for (size_t i = 0; i < op_count; i++) {
        free(ops[i].bytes);
    }
    disk_replay_start();
    op_count = 0;
    file_count = 0;
}

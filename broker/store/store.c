#include "store.h"

#include "home.h"
#include "must.h"
#include "store_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DISK_FREE_BYTES_MIN = 4 << 20, FORMAT_TEXT_BYTES = 16 };

static const char own_table[] = "store"; /* holds "format" */

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLES_MAX];
    char *names[STORE_TABLES_MAX];
    size_t table_count;
    int lock_fd;
    int folder_fd;
    atomic_bool failed; /* a sync failed: the kernel may have dropped the pages */
    atomic_bool writing;
};

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    bool write;
    enum fault fault; /* of the first write that failed: the transaction can only be aborted */
};

/* The one place where LMDB's codes become faults. */
static enum fault fault_of(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return FAULT_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return FAULT_FULL;
    case MDB_BAD_VALSIZE:
        return FAULT_TOO_LARGE;
    case MDB_READERS_FULL:
        return FAULT_BUSY;
    case MDB_VERSION_MISMATCH:
        return FAULT_VERSION;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return FAULT_CORRUPT;
    default:
        return code > 0 ? fault_from_errno(code) : FAULT_IO;
    }
}

static enum fault lock_folder(struct store *store, const char *folder)
{
    store->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder_fd < 0) {
        return fault_from_errno(errno);
    }
    store->lock_fd = openat(store->folder_fd, "store.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        return fault_from_errno(errno);
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? FAULT_BUSY : fault_from_errno(errno);
    }
    return OK;
}

/* An empty store takes the number, any other must have it. */
static enum fault check_format(MDB_txn *txn, int format)
{
    MDB_dbi own;
    int code = mdb_dbi_open(txn, own_table, MDB_CREATE, &own);
    if (code != 0) {
        return fault_of(code);
    }
    char text[FORMAT_TEXT_BYTES];
    int len = snprintf(text, sizeof text, "%d", format);
    static char name[] = "format";
    MDB_val key = {sizeof name - 1, name}, kept;
    code = mdb_get(txn, own, &key, &kept);
    if (code == MDB_NOTFOUND) {
        kept = (MDB_val){(size_t)len, text};
        return fault_of(mdb_put(txn, own, &key, &kept, 0));
    }
    if (code != 0) {
        return fault_of(code);
    }
    return kept.mv_size == (size_t)len && memcmp(kept.mv_data, text, kept.mv_size) == 0
               ? OK
               : FAULT_VERSION;
}

static enum fault open_tables(struct store *store, const struct store_options *options)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0) {
        return fault_of(code);
    }
    enum fault fault = check_format(txn, options->format);
    for (size_t i = 0; fault == OK && i < store->table_count; i++) {
        fault = fault_of(mdb_dbi_open(txn, store->names[i], MDB_CREATE, &store->tables[i]));
    }
    if (fault != OK) {
        mdb_txn_abort(txn);
        return fault;
    }
    fault = fault_of(mdb_txn_commit(txn));
    /* The folder's entries for new files survive power loss only after a sync of the folder. */
    if (fault == OK && fsync(store->folder_fd) != 0) {
        fault = FAULT_IO;
    }
    return fault;
}

/* Pages freed in the transaction that took them are never written, so that a sound file may end
 * early; a file that was cut must give faults and not signals. Both are met by making it whole. */
static int lengthen(MDB_env *env, int fd)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat file;
    int code = mdb_env_info(env, &info);
    if (code == 0) {
        code = mdb_env_stat(env, &stat);
    }
    if (code != 0 || fstat(fd, &file) != 0) {
        return code != 0 ? code : errno;
    }
    off_t need = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
    return file.st_size >= need || ftruncate(fd, need) == 0 ? 0 : errno;
}

static enum fault open_env(struct store *store, const char *folder,
                           const struct store_options *options)
{
    static const uint64_t map_bytes = UINT64_C(32) << 30;
    int code = mdb_env_create(&store->env);
    if (code == 0) {
        code = mdb_env_set_mapsize(store->env, options->map_bytes ? options->map_bytes : map_bytes);
    }
    if (code == 0) {
        code = mdb_env_set_maxdbs(store->env, STORE_TABLES_MAX + 1);
    }
    if (code == 0) {
        code = mdb_env_open(store->env, folder, MDB_NOTLS, 0600);
    }
    int fd;
    if (code == 0) {
        code = mdb_env_get_fd(store->env, &fd);
    }
    if (code == 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        code = lengthen(store->env, fd);
    }
    return fault_of(code);
}

enum fault store_open(const char *folder, const struct store_options *options, struct store **out)
{
    *out = NULL;
    struct store *store = must_calloc(1, sizeof *store);
    store->lock_fd = store->folder_fd = -1;
    for (; options->tables[store->table_count]; store->table_count++) {
        MUST(store->table_count < STORE_TABLES_MAX);
        MUST(strcmp(options->tables[store->table_count], own_table) != 0);
        store->names[store->table_count] = must_strdup(options->tables[store->table_count]);
    }
    enum fault fault = home_folder(folder);
    if (fault == OK) {
        fault = lock_folder(store, folder);
    }
    if (fault == OK) {
        store_bus_watch(folder);
        fault = open_env(store, folder, options);
    }
    if (fault == OK) {
        fault = open_tables(store, options);
    }
    if (fault != OK) {
        store_close(&store);
    }
    *out = store;
    return fault;
}

void store_close(struct store **store)
{
    struct store *self = *store;
    *store = NULL;
    if (!self) {
        return;
    }
    MUST(!self->writing);
    if (self->env) {
        mdb_env_close(self->env);
    }
    if (self->lock_fd >= 0) {
        close(self->lock_fd);
    }
    if (self->folder_fd >= 0) {
        close(self->folder_fd);
    }
    for (size_t i = 0; i < self->table_count; i++) {
        free(self->names[i]);
    }
    free(self);
}

/* LMDB reports a short write on a full disk as EIO, which looks like a failed disk: so little room
 * is refused beforehand, as what it is. */
static bool disk_full(const struct store *store)
{
    struct statvfs info;
    return fstatvfs(store->folder_fd, &info) == 0 &&
           (uint64_t)info.f_bavail * info.f_frsize < DISK_FREE_BYTES_MIN;
}

enum fault store_begin(struct store *store, bool write, struct store_txn **out)
{
    *out = NULL;
    if (store->failed) {
        return FAULT_IO;
    }
    if (write) {
        MUST(!store->writing);
        if (disk_full(store)) {
            return FAULT_FULL;
        }
    }
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &txn);
    if (code != 0) {
        return fault_of(code);
    }
    store->writing = store->writing || write;
    *out = must_calloc(1, sizeof **out);
    **out = (struct store_txn){.store = store, .txn = txn, .write = write};
    return OK;
}

enum fault store_commit(struct store_txn **txn)
{
    struct store_txn *self = *txn;
    if (self->fault != OK || self->store->failed) {
        enum fault fault = self->fault != OK ? self->fault : FAULT_IO;
        store_abort(txn);
        return fault;
    }
    enum fault fault = fault_of(mdb_txn_commit(self->txn));
    if (self->write) {
        self->store->writing = false;
        if (fault != OK && fault != FAULT_FULL) {
            self->store->failed = true;
            fault = FAULT_IO;
        }
    }
    free(self);
    *txn = NULL;
    return fault;
}

void store_abort(struct store_txn **txn)
{
    struct store_txn *self = *txn;
    *txn = NULL;
    if (self) {
        if (self->write) {
            self->store->writing = false;
        }
        mdb_txn_abort(self->txn);
        free(self);
    }
}

static MDB_val val_of(struct slice slice)
{
    return (MDB_val){slice.len, (void *)(uintptr_t)slice.bytes};
}

static struct slice slice_of(MDB_val val)
{
    return (struct slice){val.mv_data, val.mv_size};
}

static MDB_dbi table_of(const struct store_txn *txn, int table)
{
    MUST(table >= 0 && (size_t)table < txn->store->table_count);
    return txn->store->tables[table];
}

enum fault store_get(struct store_txn *txn, int table, struct slice key, struct slice *value)
{
    *value = (struct slice){NULL, 0};
    if (key.len == 0 || key.len > STORE_KEY_BYTES_MAX) {
        return FAULT_NOT_FOUND; /* no such key can have been put */
    }
    MDB_val name = val_of(key), found;
    int code = mdb_get(txn->txn, table_of(txn, table), &name, &found);
    if (code == 0) {
        *value = slice_of(found);
    }
    return fault_of(code);
}

static enum fault wrote(struct store_txn *txn, int code)
{
    enum fault fault = fault_of(code);
    if (fault != OK && txn->fault == OK) {
        txn->fault = fault;
    }
    return fault != OK ? txn->fault : OK;
}

enum fault store_put(struct store_txn *txn, int table, struct slice key, struct slice value)
{
    MUST(txn->write);
    if (key.len == 0 || key.len > STORE_KEY_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    MDB_val name = val_of(key), content = val_of(value);
    return wrote(txn, mdb_put(txn->txn, table_of(txn, table), &name, &content, 0));
}

enum fault store_delete(struct store_txn *txn, int table, struct slice key)
{
    MUST(txn->write);
    if (key.len == 0 || key.len > STORE_KEY_BYTES_MAX) {
        return OK;
    }
    MDB_val name = val_of(key);
    int code = mdb_del(txn->txn, table_of(txn, table), &name, NULL);
    return code == MDB_NOTFOUND ? OK : wrote(txn, code);
}

static int compare(struct slice a, struct slice b)
{
    int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static bool begins(struct slice key, struct slice prefix)
{
    return key.len >= prefix.len &&
           (!prefix.len || memcmp(key.bytes, prefix.bytes, prefix.len) == 0);
}

/* The last key that begins with the prefix, if there is one: the one before the prefix's successor. */
/* The last key below one. */
static int seek_below(MDB_cursor *cursor, struct slice before, MDB_val *key, MDB_val *value)
{
    *key = (MDB_val){before.len, (void *)before.bytes};
    int code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (code != 0 && code != MDB_NOTFOUND) {
        return code;
    }
    return mdb_cursor_get(cursor, key, value, code == 0 ? MDB_PREV : MDB_LAST);
}

static int seek_last(MDB_cursor *cursor, struct slice prefix, MDB_val *key, MDB_val *value)
{
    uint8_t next[STORE_KEY_BYTES_MAX];
    size_t len = prefix.len;
    if (len) {
        memcpy(next, prefix.bytes, len);
    }
    while (len && next[len - 1] == UINT8_MAX) {
        len--;
    }
    if (len) {
        next[len - 1]++;
        return seek_below(cursor, (struct slice){next, len}, key, value);
    }
    return mdb_cursor_get(cursor, key, value, MDB_LAST);
}

static int seek_first(MDB_cursor *cursor, struct slice start, MDB_val *key, MDB_val *value)
{
    *key = val_of(start);
    return mdb_cursor_get(cursor, key, value, start.len ? MDB_SET_RANGE : MDB_FIRST);
}

enum fault store_scan(struct store_txn *txn, int table, struct slice prefix, struct slice from,
                      bool backwards, store_each *each, void *self)
{
    if (prefix.len > STORE_KEY_BYTES_MAX || from.len > STORE_KEY_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn->txn, table_of(txn, table), &cursor);
    if (code != 0) {
        return fault_of(code);
    }
    MDB_val key, value;
    bool later = from.len && (!prefix.len || compare(from, prefix) > 0);
    code = backwards ? seek_last(cursor, prefix, &key, &value)
                     : seek_first(cursor, later ? from : prefix, &key, &value);
    while (code == 0 && begins(slice_of(key), prefix) &&
           (!backwards || !from.len || compare(slice_of(key), from) >= 0) &&
           each(self, slice_of(key), slice_of(value))) {
        code = mdb_cursor_get(cursor, &key, &value, backwards ? MDB_PREV : MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? OK : fault_of(code);
}

enum fault store_scan_before(struct store_txn *txn, int table, struct slice prefix,
                             struct slice before, store_each *each, void *self)
{
    if (prefix.len > STORE_KEY_BYTES_MAX || before.len > STORE_KEY_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn->txn, table_of(txn, table), &cursor);
    if (code != 0) {
        return fault_of(code);
    }
    MDB_val key, value;
    code = before.len ? seek_below(cursor, before, &key, &value)
                      : seek_last(cursor, prefix, &key, &value);
    while (code == 0 && begins(slice_of(key), prefix) &&
           each(self, slice_of(key), slice_of(value))) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? OK : fault_of(code);
}

uint64_t store_count(struct store_txn *txn, int table)
{
    MDB_stat stat;
    return mdb_stat(txn->txn, table_of(txn, table), &stat) == 0 ? stat.ms_entries : 0;
}

enum fault store_clear(struct store_txn *txn, int table)
{
    MUST(txn->write);
    return wrote(txn, mdb_drop(txn->txn, table_of(txn, table), 0));
}

/* Each pair is hashed with the digest so far, lengths in front, so that no two contents agree. */
static bool digest_pair(void *self, struct slice key, struct slice value)
{
    uint8_t *digest = self;
    uint8_t lengths[16];
    store_key_u64(key.len, lengths);
    store_key_u64(value.len, lengths + 8);
    struct slice parts[] = {{digest, SHA256_BYTES}, {lengths, sizeof lengths}, key, value};
    sha256_parts(parts, 4, digest);
    return true;
}

enum fault store_digest(struct store_txn *txn, bool (*skip)(int table),
                        uint8_t digest[SHA256_BYTES])
{
    memset(digest, 0, SHA256_BYTES);
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < txn->store->table_count; i++) {
        if (skip && skip((int)i)) {
            continue;
        }
        digest_pair(digest, text_slice(txn->store->names[i]), (struct slice){"", 0});
        fault = store_scan(txn, (int)i, (struct slice){NULL, 0}, (struct slice){NULL, 0}, false,
                           digest_pair, digest);
    }
    return fault;
}

uint64_t store_used_bytes(struct store *store)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(store->env, &info) != 0 || mdb_env_stat(store->env, &stat) != 0) {
        return 0;
    }
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

void store_key_u64(uint64_t number, uint8_t key[8])
{
    for (int i = 7; i >= 0; i--) {
        key[i] = (uint8_t)number;
        number >>= 8;
    }
}

uint64_t store_key_number(const uint8_t key[8])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number = number << 8 | key[i];
    }
    return number;
}

struct slice text_slice(const char *text)
{
    return (struct slice){text, strlen(text)};
}

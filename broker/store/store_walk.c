#include "store_walk.h"

#include "must.h"
#include "store.h"

#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64 };

struct walk {
    MDB_txn *txn;
    store_walk_each *each;
    void *self;
    bool stopped;
};

static int order(const MDB_val *a, const MDB_val *b)
{
    size_t common = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    int differ = memcmp(a->mv_data, b->mv_data, common);
    return differ ? differ : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static int walk_table(struct walk *walk, MDB_dbi table, const char *name)
{
    MDB_cursor *cursor;
    MDB_stat stat;
    MDB_val key = {0}, value, before = {0};
    int code = mdb_stat(walk->txn, table, &stat);
    if (code == 0) {
        code = mdb_cursor_open(walk->txn, table, &cursor);
    }
    if (code != 0) {
        return code;
    }
    size_t count = 0;
    while (!walk->stopped && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (count++ && order(&before, &key) >= 0) {
            code = MDB_CORRUPTED;
            break;
        }
        before = key;
        walk->stopped = !walk->each(walk->self, name, (struct slice){key.mv_data, key.mv_size},
                                    (struct slice){value.mv_data, value.mv_size});
    }
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND) {
        code = count == stat.ms_entries ? 0 : MDB_CORRUPTED;
    }
    return code;
}

/* The main table's keys are the names of the others. */
static int walk_tables(struct walk *walk)
{
    MDB_dbi main_table, table;
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_dbi_open(walk->txn, NULL, 0, &main_table);
    if (code == 0) {
        code = mdb_cursor_open(walk->txn, main_table, &cursor);
    }
    if (code != 0) {
        return code;
    }
    while (!walk->stopped && (code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        char name[NAME_BYTES_MAX];
        if (key.mv_size >= sizeof name) {
            code = MDB_CORRUPTED;
            break;
        }
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = '\0';
        code = mdb_dbi_open(walk->txn, name, 0, &table);
        if (code == 0) {
            code = walk_table(walk, table, name);
        }
        if (code != 0) {
            break;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

enum fault store_walk(const char *folder, store_walk_each *each, void *self)
{
    MDB_env *env = NULL;
    struct walk walk = {.each = each, .self = self};
    int code = mdb_env_create(&env);
    if (code == 0) {
        code = mdb_env_set_maxdbs(env, STORE_TABLES_MAX + 1);
    }
    if (code == 0) {
        code = mdb_env_open(env, folder, MDB_RDONLY | MDB_NOTLS, 0600);
    }
    if (code == 0) {
        code = mdb_txn_begin(env, NULL, MDB_RDONLY, &walk.txn);
    }
    if (code == 0) {
        code = walk_tables(&walk);
    }
    if (walk.txn) {
        mdb_txn_abort(walk.txn);
    }
    if (env) {
        mdb_env_close(env);
    }
    if (code == 0) {
        return OK;
    }
    return code > 0 ? fault_from_errno(code) : FAULT_CORRUPT;
}

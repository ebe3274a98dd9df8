/* store.h - one LMDB environment with named tables: the one door to LMDB.
 *
 * Use        store_open() with the list of tables; store_begin(); get, put, delete, scan;
 *            store_commit() or store_abort(). One write transaction at a time.
 * Promise    When store_commit returns OK the changes survive power loss (full sync, no WRITEMAP,
 *            no NOSYNC). After a failed sync every call returns FAULT_IO: the process must end
 *            (111) and start over; nothing is retried on the same descriptor.
 * Ownership  Values returned live until the transaction's next write or its end.
 * Threads    One process. Write transactions belong to one thread; read transactions may run in
 *            another one meanwhile (each transaction in one thread). Never across fork: O_CLOEXEC,
 *            and a lock file (flock) refuses a second process with FAULT_BUSY.
 * Faults     FULL (map or disk: temporary; after it in a transaction, commit gives it again and
 *            changes nothing), IO, CORRUPT, NOT_FOUND, TOO_LARGE (key over
 *            STORE_KEY_BYTES_MAX), VERSION (tables of another format number).
 *            A page that leads LMDB out of the file ends the process with EXIT_NEVER and a line of
 *            log that names the store (store_bus.h).
 * See        http://www.lmdb.tech/doc/; LMDB 0.9 has no checksums of its own. */
#ifndef USHER_STORE_H
#define USHER_STORE_H

#include "digest.h"
#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_TABLES_MAX = 32, STORE_KEY_BYTES_MAX = 511 };

struct store;
struct store_txn;

/* A table is named by its index in the list given to store_open. */
struct store_options {
    const char *const *tables; /* ends with NULL */
    int format;                /* kept inside; another number there is FAULT_VERSION */
    uint64_t map_bytes;        /* 0: 32 GiB of address space; a limit, not an allocation */
};

/* `folder` is made if it is not there. */
enum fault store_open(const char *folder, const struct store_options *options,
                      struct store **out) NODISCARD;
void store_close(struct store **store);

enum fault store_begin(struct store *store, bool write, struct store_txn **out) NODISCARD;
enum fault store_commit(struct store_txn **txn) NODISCARD; /* takes it, whatever happens */
void store_abort(struct store_txn **txn);                  /* safe on NULL */

/* NOT_FOUND is an answer here, not an accident. */
enum fault store_get(struct store_txn *txn, int table, struct slice key,
                     struct slice *value) NODISCARD;
enum fault store_put(struct store_txn *txn, int table, struct slice key,
                     struct slice value) NODISCARD;
enum fault store_delete(struct store_txn *txn, int table,
                        struct slice key) NODISCARD; /* OK if absent */

/* Calls `each` for every pair whose key begins with `prefix`, in byte order, from `from` on (an
 * empty slice: from the start). `each` returns true to go on; it must not write to the table.
 * Backwards walks from the end of the prefix to its start (`from` is then the last key wanted). */
typedef bool store_each(void *self, struct slice key, struct slice value);
enum fault store_scan(struct store_txn *txn, int table, struct slice prefix, struct slice from,
                      bool backwards, store_each *each, void *self) NODISCARD;

/* The same backwards, from the last key below `before` on (an empty slice: from the prefix's last): the
 * next page of what is shown newest first. */
enum fault store_scan_before(struct store_txn *txn, int table, struct slice prefix,
                             struct slice before, store_each *each, void *self) NODISCARD;

uint64_t store_count(struct store_txn *txn, int table);
enum fault store_clear(struct store_txn *txn, int table) NODISCARD;

/* SHA-256 over every pair of the tables, in order: two stores with the same content agree, whatever
 * their pages look like. `skip(table)` leaves tables out (NULL: none). Walks every page. */
enum fault store_digest(struct store_txn *txn, bool (*skip)(int table),
                        uint8_t digest[SHA256_BYTES]) NODISCARD;

/* Bytes used in the file, for status. */
uint64_t store_used_bytes(struct store *store);

/* Big-endian integers as keys sort as numbers. */
void store_key_u64(uint64_t number, uint8_t key[8]);
uint64_t store_key_number(const uint8_t key[8]);

/* A text as a slice, without its NUL. */
struct slice text_slice(const char *text);

#endif

/* home.h - USHER_HOME: the folder that holds everything of one fleet.
 *
 *   usher.cfg  rules.cfg  secrets/  keys/  run/  data/<actor>/  templates/
 *
 * Use        home_find() names the folder; home_path() builds paths below it.
 *            One CURVE key pair per actor and per person: keys/<name>.key (secret, 0600) and
 *            keys/<name>.pub (public), both ZPL certificates as czmq writes them.
 * Ownership  Paths and certificates returned are the caller's: free() and zcert_destroy(). */
#ifndef USHER_HOME_H
#define USHER_HOME_H

#include "fault.h"

#include <czmq.h>

/* `given` (from --home) or $USHER_HOME or, without either, "$HOME/.usher". */
char *home_find(const char *given);

/* A path below the home: home_path(home, "data/%s", actor). */
char *home_path(const char *home, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ipc://HOME/run/<name>.ipc", or what usher.cfg says under broker/<name> (tcp by choice). */
char *home_endpoint(const char *home, const char *name);

/* mkdir -p with 0700. */
enum fault home_folder(const char *path) NODISCARD;

/* Makes keys/<name>.key and .pub unless they are there; writes whole files only. */
enum fault home_make_cert(const char *home, const char *name) NODISCARD;

/* Both halves of a key pair, for the process that is `name`. */
enum fault home_cert(const char *home, const char *name, zcert_t **out) NODISCARD;

/* The public half only. */
enum fault home_public_cert(const char *home, const char *name, zcert_t **out) NODISCARD;

/* Reads a whole file of at most `most` bytes; *text is NUL-terminated and the caller's. */
enum fault home_read_file(const char *path, size_t most, char **text, size_t *len) NODISCARD;

/* Renames a file within one file system, durably. */
enum fault home_move_file(const char *from, const char *to) NODISCARD;

/* Writes a file whole: a temporary name, fsync, rename, fsync of the folder. */
enum fault home_write_file(const char *path, const void *bytes, size_t len,
                           unsigned mode) NODISCARD;

#endif

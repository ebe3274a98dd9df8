#include "auth.h"

#include "home.h"
#include "logs.h"
#include "must.h"
#include "peers.h"
#include "rights.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
    uint8_t key[AUTH_KEY_BYTES];
    bool shared; /* two names have it: nobody's */
    char user[PEER_USER_BYTES_MAX + 1];
};

struct auth {
    char *home;
    uint64_t print; /* of the folders' and files' times */
    struct entry *entries;
    size_t count;
};

struct auth *auth_new(const char *home)
{
    struct auth *auth = must_calloc(1, sizeof *auth);
    auth->home = must_strdup(home);
    auth->entries = must_calloc(AUTH_KEYS_MAX, sizeof *auth->entries);
    (void)auth_refresh(auth);
    return auth;
}

void auth_destroy(struct auth **auth_ref)
{
    struct auth *auth = *auth_ref;
    if (!auth) {
        return;
    }
    free(auth->home);
    free(auth->entries);
    free(auth);
    *auth_ref = NULL;
}

/* --- walking the folders ---------------------------------------------------------------------- */

typedef void each_key(struct auth *auth, const char *name, const struct stat *info);

static bool name_is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                     (text[i] >= '0' && text[i] <= '9') || strchr("._-@+", text[i]);
        if (!plain) {
            return false;
        }
    }
    return len > 0 && text[0] != '.';
}

/* Calls `each` for <folder>/<x>.pub with the name <prefix><x>. */
static void walk(struct auth *auth, const char *folder, const char *prefix, each_key *each)
{
    char *path = home_path(auth->home, "%s", folder);
    DIR *dir = opendir(path);
    free(path);
    struct dirent *file;
    while (dir && (file = readdir(dir))) {
        size_t len = strlen(file->d_name);
        struct stat info;
        char name[PEER_NAME_BYTES_MAX + 1];
        if (len > 4 && strcmp(file->d_name + len - 4, ".pub") == 0 &&
            name_is_plain(file->d_name, len - 4) &&
            fstatat(dirfd(dir), file->d_name, &info, 0) == 0 && S_ISREG(info.st_mode) &&
            snprintf(name, sizeof name, "%s%.*s", prefix, (int)(len - 4), file->d_name) <
                (int)sizeof name) {
            each(auth, name, &info);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void walk_all(struct auth *auth, each_key *each)
{
    walk(auth, "keys", "", each);
    walk(auth, "keys/people", "people/", each);
}

/* --- fingerprint and list --------------------------------------------------------------------- */

static uint64_t mix(uint64_t print, uint64_t number)
{
    return (print ^ number) * UINT64_C(1099511628211);
}

/* Added up, so that the order of the folder does not matter. */
static void add_print(struct auth *auth, const char *name, const struct stat *info)
{
    uint64_t print = UINT64_C(14695981039346656037);
    for (const char *at = name; *at; at++) {
        print = mix(print, (uint8_t)*at);
    }
    print = mix(print, (uint64_t)info->st_ino);
    print = mix(print, (uint64_t)info->st_size);
    print = mix(print, (uint64_t)info->st_mtim.tv_sec);
    print = mix(print, (uint64_t)info->st_mtim.tv_nsec);
    print = mix(print, (uint64_t)info->st_ctim.tv_nsec);
    auth->print += print;
}

/* Read here and not with zcert_load(): that one would open the secret half beside it, and leaks at
 * a file that is no certificate (czmq 4.2.1). */
static bool read_key(const char *home, const char *name, struct entry *entry)
{
    char *path = home_path(home, "keys/%s.pub", name);
    char *text = NULL;
    size_t len;
    bool good = false;
    if (home_read_file(path, AUTH_FILE_BYTES_MAX, &text, &len) == OK) {
        zconfig_t *config = zconfig_str_load(text);
        const char *key = config ? zconfig_get(config, "/curve/public-key", "") : "";
        good = strlen(key) == PEER_KEY_CHARS && zmq_z85_decode(entry->key, key) != NULL;
        if (good) {
            snprintf(entry->user, sizeof entry->user, "%s %s", key, name);
        }
        zconfig_destroy(&config);
    }
    free(text);
    free(path);
    return good;
}

static void add_key(struct auth *auth, const char *name, const struct stat *info)
{
    (void)info;
    if (!rights_of(name) || auth->count == AUTH_KEYS_MAX) {
        return;
    }
    struct entry *entry = &auth->entries[auth->count];
    if (!read_key(auth->home, name, entry)) {
        logs_write(LOGS_WARN, "not a key", "name", name, NULL);
        return;
    }
    entry->shared = false;
    for (size_t i = 0; i < auth->count; i++) {
        if (memcmp(auth->entries[i].key, entry->key, AUTH_KEY_BYTES) == 0) {
            logs_write(LOGS_ERROR, "a key of two names is nobody's", "name", name, "other",
                       peer_user_name(auth->entries[i].user), NULL);
            auth->entries[i].shared = true;
            entry->shared = true;
        }
    }
    auth->count++;
}

bool auth_refresh(struct auth *auth)
{
    uint64_t old = auth->print;
    auth->print = 0;
    walk_all(auth, add_print);
    if (auth->print == old) {
        return false;
    }
    auth->count = 0;
    walk_all(auth, add_key);
    return true;
}

size_t auth_count(const struct auth *auth)
{
    return auth->count;
}

const char *auth_user(const struct auth *auth, const uint8_t *key, size_t len)
{
    for (size_t i = 0; len == AUTH_KEY_BYTES && i < auth->count; i++) {
        if (memcmp(auth->entries[i].key, key, len) == 0 && !auth->entries[i].shared) {
            return auth->entries[i].user;
        }
    }
    return NULL;
}

bool auth_holds(const struct auth *auth, const char *user)
{
    for (size_t i = 0; i < auth->count; i++) {
        if (strcmp(auth->entries[i].user, user) == 0) {
            return !auth->entries[i].shared;
        }
    }
    return false;
}

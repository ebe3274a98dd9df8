#include "home.h"

#include "must.h"
#include "zpl.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

char *home_find(const char *given)
{
    const char *from = given ? given : getenv("USHER_HOME");
    char *home = from && *from ? must_strdup(from)
                               : must_sprintf("%s/.usher", getenv("HOME") ? getenv("HOME") : ".");
    char *whole = realpath(home, NULL);
    if (whole) {
        free(home);
        return whole;
    }
    if (*home != '/') { /* not there yet: absolute all the same */
        char *here = getcwd(NULL, 0);
        MUST(here);
        char *absolute = must_sprintf("%s/%s", here, home);
        free(here);
        free(home);
        return absolute;
    }
    return home;
}

char *home_path(const char *home, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *rest = NULL;
    MUST(vasprintf(&rest, format, args) >= 0);
    va_end(args);
    char *path = must_sprintf("%s/%s", home, rest);
    free(rest);
    return path;
}

/* What usher.cfg says of the broker; NULL: nothing, or it cannot be read. Not with czmq's zconfig:
 * that tells of a mistake on stdout, where a tool's answer belongs. *zpl holds the text. */
static const char *configured_endpoint(const char *home, const char *name, struct zpl *zpl)
{
    char *path = home_path(home, "usher.cfg");
    char *text = NULL;
    size_t len;
    size_t line = ZPL_NONE;
    struct buf why = {0};
    char key[64];
    snprintf(key, sizeof key, "broker/%s", name);
    *zpl = (struct zpl){0};
    if (home_read_file(path, CONFIG_BYTES_MAX, &text, &len) == OK &&
        zpl_parse(zpl, "usher.cfg", text, len, &why) == OK) {
        line = zpl_find(zpl, ZPL_TOP, key, 0);
    }
    buf_fini(&why);
    free(text);
    free(path);
    return line ? zpl->lines[line].value : NULL;
}

char *home_endpoint(const char *home, const char *name)
{
    struct zpl zpl;
    const char *said = configured_endpoint(home, name, &zpl);
    char *endpoint =
        said && *said ? must_strdup(said) : must_sprintf("ipc://%s/run/%s.ipc", home, name);
    zpl_fini(&zpl);
    return endpoint;
}

enum fault home_folder(const char *path)
{
    char *copy = must_strdup(path);
    enum fault fault = OK;
    for (char *at = copy + 1; fault == OK; at++) {
        if (*at == '/' || *at == '\0') {
            bool last = *at == '\0';
            *at = '\0';
            if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
                fault = fault_from_errno(errno);
            }
            if (last) {
                break;
            }
            *at = '/';
        }
    }
    free(copy);
    return fault;
}

/* A certificate goes to a temporary name first, so that a key file is whole or not there. */
static enum fault save_cert(zcert_t *cert, const char *path, bool secret)
{
    char *draft = must_sprintf("%s.draft", path);
    int failed = secret ? zcert_save_secret(cert, draft) : zcert_save_public(cert, draft);
    if (!failed) {
        failed = chmod(draft, secret ? 0600 : 0644);
    }
    char *text = NULL;
    size_t len = 0;
    enum fault fault = failed ? FAULT_IO : home_read_file(draft, 65536, &text, &len);
    if (fault == OK) {
        fault = home_write_file(path, text, len, secret ? 0600 : 0644);
    }
    free(text);
    unlink(draft);
    free(draft);
    return fault;
}

enum fault home_make_cert(const char *home, const char *name)
{
    char *secret = home_path(home, "keys/%s.key", name);
    char *public = home_path(home, "keys/%s.pub", name);
    char *folder = must_strdup(secret);
    enum fault fault = home_folder(dirname(folder));
    free(folder);
    if (fault == OK && (access(secret, F_OK) != 0 || access(public, F_OK) != 0)) {
        zcert_t *cert = access(secret, F_OK) == 0 ? zcert_load(secret) : zcert_new();
        if (!cert) {
            fault = FAULT_CORRUPT;
        } else {
            zcert_set_meta(cert, "name", "%s", name);
            fault = save_cert(cert, secret, true);
            if (fault == OK) {
                fault = save_cert(cert, public, false);
            }
            zcert_destroy(&cert);
        }
    }
    free(secret);
    free(public);
    return fault;
}

static enum fault load_cert(char *path, zcert_t **out)
{
    enum fault fault = OK;
    *out = NULL;
    if (access(path, R_OK) != 0) {
        fault = fault_from_errno(errno);
    } else if (!(*out = zcert_load(path))) {
        fault = FAULT_CORRUPT;
    }
    free(path);
    return fault;
}

enum fault home_cert(const char *home, const char *name, zcert_t **out)
{
    return load_cert(home_path(home, "keys/%s.key", name), out);
}

enum fault home_public_cert(const char *home, const char *name, zcert_t **out)
{
    return load_cert(home_path(home, "keys/%s.pub", name), out);
}

enum fault home_read_file(const char *path, size_t most, char **text, size_t *len)
{
    *text = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fault_from_errno(errno);
    }
    char *bytes = must_malloc(most + 2);
    size_t have = 0;
    ssize_t got = 0;
    while (have <= most && (got = read(fd, bytes + have, most + 1 - have)) > 0) {
        have += (size_t)got;
    }
    enum fault fault = got < 0 ? fault_from_errno(errno) : have > most ? FAULT_TOO_LARGE : OK;
    close(fd);
    if (fault != OK) {
        free(bytes);
        return fault;
    }
    bytes[have] = '\0';
    *text = must_realloc(bytes, have + 1);
    *len = have;
    return OK;
}

static enum fault write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno != EINTR) {
            return fault_from_errno(errno);
        }
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return fsync(fd) == 0 ? OK : fault_from_errno(errno);
}

static enum fault sync_folder_of(const char *path)
{
    char *copy = must_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum fault fault = fd >= 0 && fsync(fd) == 0 ? OK : fault_from_errno(errno);
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return fault;
}

enum fault home_move_file(const char *from, const char *to)
{
    return rename(from, to) == 0 ? sync_folder_of(to) : fault_from_errno(errno);
}

enum fault home_write_file(const char *path, const void *bytes, size_t len, unsigned mode)
{
    char *draft = must_sprintf("%s.%d.tmp", path, (int)getpid());
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    enum fault fault = fd >= 0 ? OK : fault_from_errno(errno);
    if (fd >= 0) {
        fault = write_all(fd, bytes, len);
        close(fd);
        if (fault == OK) {
            fault = home_move_file(draft, path);
        }
        if (fault != OK) {
            unlink(draft);
        }
    }
    free(draft);
    return fault;
}

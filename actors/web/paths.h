/* paths.h - what a URL says: the segments of a path, patterns for them, form fields. Pure.
 *
 * A path is cut at its slashes before anything is unescaped, so that an escaped slash belongs to its
 * segment. */
#ifndef USHER_PATHS_H
#define USHER_PATHS_H

#include <stdbool.h>
#include <stddef.h>

enum { PATH_BYTES_MAX = 4096, PATH_SEGMENTS_MAX = 32 };

struct path {
    size_t count;
    const char *segments[PATH_SEGMENTS_MAX]; /* unescaped; "/" is one empty segment */
};

enum path_verdict {
    PATH_FINE,
    PATH_FOREIGN, /* does not begin with a slash: "*", or another server's URL */
    PATH_BAD,     /* a bad escape, a NUL, not UTF-8, or a segment "." or ".." */
    PATH_LONG     /* more than PATH_SEGMENTS_MAX segments */
};

/* Cuts and unescapes `raw` where it stands; the segments point into it. */
enum path_verdict path_cut(char *raw, struct path *path);

/* Patterns are made of segments: literal, "{name}", or a last "*". */
bool path_fits(const struct path *path, const char *pattern);
/* Of two patterns that fit the same path: whether `a` says more than `b`. */
bool pattern_before(const char *a, const char *b);
/* The segment that stands for {name}, of a path that fits; NULL if the pattern has none. */
const char *path_param(const struct path *path, const char *pattern, const char *name);

/* Unescapes what has no NUL in it; false at a bad escape, or when the outcome has a NUL or is not
 * UTF-8. `out` has room for chars + 1, and may be `text`. With `plus`, a plus is a space. */
bool text_unescape(const char *text, size_t chars, bool plus, char *out);
/* The bytes of the UTF-8 character at `text`, 0 if it is none. */
size_t utf8_chars(const char *text, size_t room);

/* The value of the one field `name` of a form body, a new text, or NULL: absent, there twice, or no
 * text. */
char *form_field(const char *body, size_t len, const char *name);

#endif

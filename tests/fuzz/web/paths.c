/* Whatever path, pattern, field name and body: segments that are text without a NUL, none of them a
 * dot or two; parameters that are never empty; a field that is text. The input is the path, a zero
 * byte, the pattern, a zero byte, the name, a zero byte, and the body, which serves as a header
 * value, too. */
#include "negotiate.h"
#include "paths.h"

#include "must.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void expect_text(const char *text)
{
    for (size_t room = strlen(text), chars; room; text += chars, room -= chars) {
        chars = utf8_chars(text, room);
        MUST(chars > 0 && chars <= room);
    }
}

/* A copy of its own, so that one byte too far is seen. */
static char *next_text(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *stop = memchr(*at, '\0', (size_t)(end - *at));
    size_t chars = (size_t)((stop ? stop : end) - *at);
    char *text = must_malloc(chars + 1);
    memcpy(text, *at, chars);
    text[chars] = '\0';
    *at = stop ? stop + 1 : end;
    return text;
}

static void try_path(char *raw, const char *pattern, const char *name)
{
    struct path path;
    size_t chars = strlen(raw);
    if (path_cut(raw, &path) != PATH_FINE) {
        return;
    }
    MUST(path.count > 0 && path.count <= PATH_SEGMENTS_MAX);
    for (size_t i = 0; i < path.count; i++) {
        const char *segment = path.segments[i];
        MUST(segment > raw && segment + strlen(segment) <= raw + chars);
        MUST(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
        expect_text(segment);
    }
    if (path_fits(&path, pattern)) {
        const char *value = path_param(&path, pattern, name);
        MUST(!value || *value);
    }
    MUST(!pattern_before(pattern, pattern));
    MUST(!(pattern_before(pattern, name) && pattern_before(name, pattern)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = bytes + len;
    char *raw = next_text(&bytes, end), *pattern = next_text(&bytes, end);
    char *name = next_text(&bytes, end), *rest = must_malloc((size_t)(end - bytes) + 1);
    size_t rest_len = (size_t)(end - bytes);
    memcpy(rest, bytes, rest_len);
    rest = must_realloc(rest, rest_len ? rest_len : 1);
    try_path(raw, pattern, name);
    char *value = form_field(rest, rest_len, name);
    if (value) {
        expect_text(value);
    }
    free(value);
    rest = must_realloc(rest, rest_len + 1);
    rest[rest_len] = '\0';
    (void)encodings_have_gzip(rest);
    if (etags_have(rest, "\"a\"")) {
        MUST(strchr(rest, '*') || strstr(rest, "\"a\""));
    }
    free(raw);
    free(pattern);
    free(name);
    free(rest);
    return 0;
}

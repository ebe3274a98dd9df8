/* http_target.c - the first byte says what the others are: a body's template, a URL's, a header's,
 * a list of codes, or an answer behind the line of a path. A template that is accepted stays what
 * it is whatever the values are. */
#include "hole.h"
#include "http_meaning.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static json_t *values_with(const char *text, int version, int access)
{
    json_t *tags = access ? json_pack("[ss]", text, "x") : json_array();
    return json_pack("{s:s, s:s, s:i, s:b, s:o}", "email", text, "name", text, "version", version,
                     "access", access, "tags", tags);
}

static void try_values(const char *text, enum holes_kind kind, const json_t *values)
{
    struct buf filled = {0};
    enum fault fault = holes_fill(text, kind, values, &filled);
    if (fault == OK && kind == HOLES_JSON) {
        json_error_t error;
        json_t *tree = json_loadb(buf_text(&filled), filled.len, 0, &error);
        MUST(tree);
        json_decref(tree);
    } else if (fault == OK && !strpbrk(text, "\r\n")) {
        MUST(!memchr(buf_text(&filled), '\r', filled.len) &&
             !memchr(buf_text(&filled), '\n', filled.len));
    }
    buf_fini(&filled);
}

static void try_template(const char *text, enum holes_kind kind)
{
    static const char *const texts[] = {
        "", "\"", "\\", "\r\nX: 1", "{{name}}", "\"}, {\"a\": \"", "\xF0\x9F\x98\x80", "nobody"};
    struct buf why = {0};
    json_t *sample = values_with("\"\\\n", 0, 1);
    if (holes_check(text, kind, sample, "x.json", 1, &why)) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            json_t *values = values_with(texts[i], (int)i * 7, i % 2 == 0);
            try_values(text, kind, values);
            json_decref(values);
        }
    } else {
        MUST(why.len > 0);
    }
    json_decref(sample);
    buf_fini(&why);
}

static void try_answer(char *text, size_t len)
{
    size_t line = strcspn(text, "\n");
    bool body = line < len;
    text[line] = '\0';
    json_t *tree = body ? json_loadb(text + line + 1, len - line - 1, 0, NULL) : NULL;
    (void)http_path(tree, text);
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t meanings[HTTP_STATUS_MAX + 1] = {0};
    if (len < 1) {
        return 0;
    }
    char *text = must_calloc(1, len);
    memcpy(text, bytes + 1, len - 1);
    switch (bytes[0] % 5) {
    case 0:
        try_template(text, HOLES_JSON);
        break;
    case 1:
        try_template(text, HOLES_URL);
        break;
    case 2:
        try_template(text, HOLES_HEADER);
        break;
    case 3:
        (void)http_codes(text, HTTP_DONE, meanings);
        (void)http_codes(text, HTTP_NEVER, meanings);
        break;
    default:
        try_answer(text, len - 1);
        break;
    }
    free(text);
    return 0;
}

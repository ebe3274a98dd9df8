#include "http_meaning.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 200 };

static const char *read_code(const char **at, int *code)
{
    *code = 0;
    if (strspn(*at, "0123456789") != 3) {
        return "expected status codes such as \"200-299 410\"";
    }
    for (int i = 0; i < 3; i++) {
        *code = *code * 10 + (*(*at)++ - '0');
    }
    bool good = *code >= HTTP_STATUS_MIN && *code <= HTTP_STATUS_MAX;
    return good ? NULL : "expected status codes from 100 to 599";
}

const char *http_codes(const char *text, enum http_meaning meaning,
                       uint8_t meanings[HTTP_STATUS_MAX + 1])
{
    for (const char *at = text + strspn(text, " ,"); *at; at += strspn(at, " ,")) {
        int first = 0, last = 0;
        const char *wrong = read_code(&at, &first);
        last = first;
        if (!wrong && *at == '-') {
            at++;
            wrong = read_code(&at, &last);
        }
        if (wrong || (*at && !strchr(" ,", *at)) || last < first) {
            return wrong ? wrong : "expected status codes such as \"200-299 410\"";
        }
        for (int code = first; code <= last; code++) {
            if (meanings[code] != HTTP_USUAL && meanings[code] != meaning) {
                return "a code that stands in another list, too";
            }
            meanings[code] = (uint8_t)meaning;
        }
    }
    return NULL;
}

const json_t *http_path(const json_t *tree, const char *path)
{
    char name[NAME_BYTES_MAX];
    for (const char *at = path; tree && *at;) {
        size_t len = strcspn(at, ".");
        if (len == 0 || len >= sizeof name) {
            return NULL;
        }
        memcpy(name, at, len);
        name[len] = '\0';
        bool number = strspn(name, "0123456789") == len && len < 6;
        tree = json_is_array(tree) ? (number ? json_array_get(tree, (size_t)atoi(name)) : NULL)
                                   : json_object_get(tree, name);
        at += len + (at[len] == '.');
    }
    return tree;
}

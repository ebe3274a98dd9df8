#include "api_page.h"

#include <string.h>

/* A place in JSON that the tape has found to be whole. */
struct scanner {
    const char *at;
    const char *end;
};

static void skip_space(struct scanner *scanner)
{
    while (scanner->at < scanner->end && strchr(" \t\r\n", *scanner->at)) {
        scanner->at++;
    }
}

static void skip_string(struct scanner *scanner)
{
    for (scanner->at++; scanner->at < scanner->end && *scanner->at != '"'; scanner->at++) {
        scanner->at += *scanner->at == '\\';
    }
    scanner->at++;
}

/* One value: up to the comma or bracket behind it. */
static void skip_value(struct scanner *scanner)
{
    int depth = 0;
    while (scanner->at < scanner->end) {
        char c = *scanner->at;
        if (c == '"') {
            skip_string(scanner);
            continue;
        }
        if (depth == 0 && (c == ',' || c == ']' || c == '}')) {
            return;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        scanner->at++;
    }
}

static bool take(struct scanner *scanner, char c)
{
    skip_space(scanner);
    bool there = scanner->at < scanner->end && *scanner->at == c;
    scanner->at += there;
    return there;
}

/* Moves into the first array named "data" of the outermost object. */
static bool find_data(struct scanner *scanner)
{
    static const char name[] = "\"data\"";
    if (!take(scanner, '{')) {
        return false;
    }
    do {
        skip_space(scanner);
        const char *key = scanner->at;
        skip_string(scanner);
        bool found = (size_t)(scanner->at - key) == sizeof name - 1 &&
                     memcmp(key, name, sizeof name - 1) == 0;
        if (!take(scanner, ':')) {
            return false;
        }
        if (found) {
            return take(scanner, '[');
        }
        skip_value(scanner);
    } while (take(scanner, ','));
    return false;
}

static enum fault cut_items(const char *body, size_t len, struct api_page *page)
{
    struct scanner scanner = {body, body + len};
    if (!find_data(&scanner)) {
        return FAULT_MALFORMED;
    }
    if (take(&scanner, ']')) {
        return OK;
    }
    do {
        skip_space(&scanner);
        const char *item = scanner.at;
        skip_value(&scanner);
        const char *end = scanner.at;
        while (end > item && strchr(" \t\r\n", end[-1])) {
            end--;
        }
        if (page->count == API_PAGE_ITEMS_MAX) {
            return FAULT_TOO_LARGE;
        }
        page->items[page->count++] = (struct slice){item, (size_t)(end - item)};
    } while (take(&scanner, ','));
    return OK;
}

bool api_is_id(const char *text)
{
    size_t len = 0;
    for (; text[len]; len++) {
        if (len == API_ID_BYTES_MAX || text[len] <= ' ' || text[len] > '~') {
            return false;
        }
    }
    return len > 0;
}

/* The list's own words: all items are objects, and the last one has an id. */
static enum fault look_at_list(const struct tape *tape, struct api_page *page)
{
    uint32_t data = tape_get(tape, TAPE_ROOT, "data"), last = TAPE_NONE;
    size_t count = 0;
    if (tape_kind(tape, data) != TAPE_ARRAY) {
        return FAULT_MALFORMED;
    }
    for (uint32_t at = tape_first(tape, data); at; at = tape_next(tape, data, at)) {
        if (tape_kind(tape, at) != TAPE_OBJECT) {
            return FAULT_MALFORMED;
        }
        last = at;
        count++;
    }
    const char *id = tape_text(tape, tape_get(tape, last, "id"));
    page->has_more = tape_flag(tape, tape_get(tape, TAPE_ROOT, "has_more"));
    bool whole = count == page->count && (last ? api_is_id(id) : !page->has_more);
    if (whole && last) {
        strcpy(page->last, id);
    }
    return whole ? OK : FAULT_MALFORMED;
}

enum fault api_page_read(struct tape *tape, const char *body, size_t len, struct api_page *page)
{
    *page = (struct api_page){0};
    enum fault fault = tape_parse(tape, body, len);
    if (fault != OK) {
        return fault;
    }
    const char *object = tape_text(tape, tape_get(tape, TAPE_ROOT, "object"));
    if (strcmp(object, "list") == 0) {
        fault = cut_items(body, len, page);
        return fault == OK ? look_at_list(tape, page) : fault;
    }
    const char *id = tape_text(tape, tape_get(tape, TAPE_ROOT, "id"));
    if (!*object || !api_is_id(id)) {
        return FAULT_MALFORMED;
    }
    page->count = 1;
    page->items[0] = (struct slice){body, len};
    strcpy(page->last, id);
    return OK;
}

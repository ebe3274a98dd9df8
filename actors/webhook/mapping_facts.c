/* mapping_facts.c - a body, read as the mapping's lines say. */
#include "mapping_core.h"

#include "json_template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What we call the text, if the line has a table; the text itself if it has none. */
static const char *called(const struct mapping *mapping, size_t line, const char *text)
{
    const struct zpl *zpl = &mapping->zpl;
    size_t first = zpl_child(zpl, line);
    const char *other = first ? "" : text;
    for (size_t i = first; i; i = zpl_next(zpl, i)) {
        const struct zpl_line *row = &zpl->lines[i];
        if (strcmp(row->name, text) == 0) {
            return row->value;
        }
        other = strcmp(row->name, "else") == 0 ? row->value : other;
    }
    return other;
}

static const char *line_text(const struct reader *reader, const struct mapping *mapping,
                             size_t line)
{
    return called(mapping, line, json_template_text(reader, mapping->zpl.lines[line].value));
}

/* Whole numbers, added up where a + stands; 0 for nonsense and what is negative. */
static int64_t number_of(const char *text)
{
    enum { DIGITS_MAX = 15 };
    int64_t sum = 0;
    for (;;) {
        size_t digits = strspn(text, "0123456789");
        if (digits > DIGITS_MAX) {
            return 0;
        }
        sum += strtoll(digits ? text : "0", NULL, 10);
        text += digits;
        if (*text == '\0') {
            return sum;
        }
        if (*text++ != '+') {
            return 0;
        }
    }
}

/* RFC 3339, unix seconds, or unix milliseconds: those have three digits more. */
static int64_t time_of(const char *text)
{
    enum { SECONDS_DIGITS_MAX = 11 };
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') {
        return usable_time(text);
    }
    int64_t number = number_of(text);
    return digits > SECONDS_DIGITS_MAX ? number : usable_ms(number);
}

static const char *currency_of(const struct reader *reader, const char *text)
{
    enum { CODE_CHARS = 3 };
    char small[CODE_CHARS];
    if (strlen(text) != CODE_CHARS || !*usable_id(text)) {
        return "";
    }
    for (int i = 0; i < CODE_CHARS; i++) {
        small[i] = (char)tolower((unsigned char)text[i]);
    }
    return reader_keep(reader, small, CODE_CHARS);
}

static void set_field(const struct reader *reader, struct fact *fact,
                      const struct mapped_field *field, const char *text)
{
    void *into = (char *)fact + field->offset;
    switch (field->as) {
    case AS_ID:
        *(const char **)into = usable_id(text);
        break;
    case AS_WORDS:
        *(const char **)into = usable_words(text);
        break;
    case AS_CURRENCY:
        *(const char **)into = currency_of(reader, text);
        break;
    case AS_NUMBER:
        *(int64_t *)into = number_of(text);
        break;
    case AS_TIME: {
        int64_t ms = time_of(text);
        *(int64_t *)into = ms ? ms : *(int64_t *)into;
        break;
    }
    case AS_FLAG:
        *(bool *)into = strcmp(text, "true") == 0;
        break;
    }
}

static bool holds(const struct reader *reader, const char *when)
{
    char left[JSON_TEMPLATE_CHARS_MAX + 1];
    const char *same = strstr(when, " = ");
    size_t chars = same ? (size_t)(same - when) : strlen(when);
    if (chars >= sizeof left) {
        return false;
    }
    memcpy(left, when, chars);
    left[chars] = '\0';
    const char *shows = json_template_text(reader, left);
    return same ? strcmp(shows, same + 3) == 0 : *shows && strcmp(shows, "false") != 0;
}

/* The fact stays if its conditions hold, and its key and status are there. */
static void read_fact(struct reader *reader, const struct mapping *mapping, size_t line)
{
    const struct zpl *zpl = &mapping->zpl;
    enum fact_kind kind = FACT_LINK;
    mapped_kind(zpl->lines[line].name, &kind);
    struct fact *fact = add_fact(reader, kind, "?");
    if (!fact) {
        return;
    }
    fact->key = "";
    bool wanted = true;
    for (size_t i = zpl_child(zpl, line); i && wanted; i = zpl_next(zpl, i)) {
        const struct mapped_field *field = mapped_field(zpl->lines[i].name);
        if (field) {
            set_field(reader, fact, field, line_text(reader, mapping, i));
        } else {
            wanted = holds(reader, zpl->lines[i].value);
        }
    }
    bool whole = *fact->key && (!mapped_statuses(kind) || mapped_status(kind, fact->status)) &&
                 (kind != FACT_LINK || *fact->object);
    reader->out->fact_count -= wanted && whole ? 0 : 1;
}

static bool is_live(const struct reader *reader, const struct mapping *mapping)
{
    if (!*mapping->live) {
        return reader->rules->live;
    }
    return strcmp(line_text(reader, mapping, mapping->live_table), "true") == 0;
}

enum fault mapping_facts(const struct mapping *mapping, const char *id, int64_t sent_s,
                         const struct tape *tape, const struct provider_rules *rules,
                         struct translation *out)
{
    struct reader reader = reader_begin(tape, rules, out);
    const char *type = json_template_text(&reader, mapping->type);
    int64_t at_ms = time_of(json_template_text(&reader, mapping->time));
    enum fault fault = reader_name(&reader, id, type, at_ms ? at_ms : usable_ms(sent_s));
    if (fault != OK || !reader_is_of_mode(&reader, is_live(&reader, mapping))) {
        return fault;
    }
    const struct zpl *zpl = &mapping->zpl;
    size_t event = mapping_event(mapping, type);
    if (event == ZPL_NONE) {
        reader_ignore(&reader, "a type that the mapping does not name");
        return OK;
    }
    enum weight weight = FOLLOWS;
    for (size_t i = zpl_child(zpl, event); i; i = zpl_next(zpl, i)) {
        if (strcmp(zpl->lines[i].name, "product") == 0) {
            see(&reader, usable_id(json_template_text(&reader, zpl->lines[i].value)));
            weight = BUYS;
        } else {
            read_fact(&reader, mapping, i);
        }
    }
    return reader_conclude(&reader, weight);
}

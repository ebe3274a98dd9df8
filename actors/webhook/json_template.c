#include "json_template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER "$user"

/* --- paths ----------------------------------------------------------------------------------- */

static size_t name_chars(const char *at)
{
    size_t chars = 0;
    while (at[chars] && (isalnum((unsigned char)at[chars]) || strchr("_-$@:", at[chars]))) {
        chars++;
    }
    return chars;
}

/* Moves *at behind a name; what is wrong with it, or NULL. */
static const char *skip_name(const char **at)
{
    size_t chars = name_chars(*at);
    *at += chars;
    return chars == 0                             ? "expected a name of a member"
           : chars > JSON_TEMPLATE_NAME_CHARS_MAX ? "a name of a member is too long"
                                                  : NULL;
}

static const char *skip_names(const char **at)
{
    const char *wrong = skip_name(at);
    while (!wrong && **at == '.') {
        (*at)++;
        wrong = skip_name(at);
    }
    return wrong;
}

/* "[0]" or "[id=data.primary_id]" */
static const char *skip_choice(const char **at)
{
    size_t digits = strspn(++*at, "0123456789");
    const char *wrong = NULL;
    if (digits && (*at)[digits] == ']') {
        enum { DIGITS_MAX = 4 };
        wrong = digits > DIGITS_MAX ? "the number of an element is too large" : NULL;
        *at += digits;
    } else {
        wrong = skip_name(at);
        if (!wrong && **at != '=') {
            wrong = "expected [number] or [name=path]";
        } else if (!wrong) {
            (*at)++;
            wrong = skip_names(at);
        }
    }
    if (!wrong && **at != ']') {
        wrong = "expected ]";
    }
    *at += wrong ? 0 : 1;
    return wrong;
}

static const char *skip_path(const char **at)
{
    const char *wrong = skip_name(at);
    while (!wrong && (**at == '.' || **at == '[')) {
        if (**at == '[') {
            wrong = skip_choice(at);
        } else {
            (*at)++;
            wrong = skip_name(at);
        }
    }
    return wrong;
}

const char *json_template_wrong(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '}') {
            return "a } without its {";
        }
        if (*at != '{') {
            continue;
        }
        do {
            at++;
            const char *wrong = skip_path(&at);
            if (wrong) {
                return wrong;
            }
        } while (*at == '|');
        if (*at != '}') {
            return "expected . or [ or | or }";
        }
    }
    return NULL;
}

/* --- what stands there ----------------------------------------------------------------------- */

static const char *shown(const struct reader *reader, uint32_t at)
{
    char number[32];
    const struct tape *tape = reader->tape;
    switch (tape_kind(tape, at)) {
    case TAPE_FLAG:
        return tape_flag(tape, at) ? "true" : "false";
    case TAPE_INT: {
        int chars = snprintf(number, sizeof number, "%lld", (long long)tape_int(tape, at));
        return reader_keep(reader, number, (size_t)chars);
    }
    default:
        return tape_text(tape, at);
    }
}

/* The member of the name at *at, which moves behind it. */
static uint32_t member(const struct tape *tape, uint32_t object, const char **at)
{
    char name[JSON_TEMPLATE_NAME_CHARS_MAX + 1];
    size_t chars = name_chars(*at);
    snprintf(name, sizeof name, "%.*s", (int)chars, *at);
    *at += chars;
    return tape_get(tape, object, name);
}

static uint32_t element(const struct tape *tape, uint32_t array, unsigned long wanted)
{
    uint32_t at = tape_kind(tape, array) == TAPE_ARRAY ? tape_first(tape, array) : TAPE_NONE;
    for (; at && wanted; wanted--) {
        at = tape_next(tape, array, at);
    }
    return at;
}

/* Behind the bracket: a number, or a member that shows the same as a path from the root. */
static uint32_t choose(const struct reader *reader, uint32_t array, const char **at)
{
    const struct tape *tape = reader->tape;
    uint32_t found = TAPE_NONE;
    if (isdigit((unsigned char)**at)) {
        char *end;
        found = element(tape, array, strtoul(*at, &end, 10));
        *at = end;
        return found;
    }
    const char *name = *at;
    *at += name_chars(*at);
    uint32_t wanted = TAPE_ROOT;
    do {
        (*at)++;
        wanted = member(tape, wanted, at);
    } while (**at == '.');
    const char *same = tape_text(tape, wanted);
    for (uint32_t c = tape_first(tape, array); c && *same && !found;
         c = tape_next(tape, array, c)) {
        const char *its = name;
        if (strcmp(tape_text(tape, member(tape, c, &its)), same) == 0) {
            found = c;
        }
    }
    return found;
}

/* What the path at *at shows; *at moves behind it. */
static const char *path_shown(const struct reader *reader, const char **at)
{
    const char *user = NULL;
    uint32_t place = TAPE_ROOT;
    do {
        if (**at == '[') {
            (*at)++;
            place = choose(reader, place, at);
            (*at)++;
        } else {
            *at += **at == '.';
            bool asks = name_chars(*at) == strlen(USER) && strncmp(*at, USER, strlen(USER)) == 0;
            user = asks ? read_app_user_in(reader, place) : NULL;
            place = member(reader->tape, place, at);
        }
    } while (**at == '.' || **at == '[');
    return user ? user : shown(reader, place);
}

/* Of an insertion whose { stands at *at; *at moves behind its }. */
static const char *insertion_shown(const struct reader *reader, const char **at)
{
    const char *text = "";
    do {
        (*at)++;
        const char *next = path_shown(reader, at);
        text = *text ? text : next;
    } while (**at == '|');
    (*at)++;
    return text;
}

static bool is_one_insertion(const char *text)
{
    return *text == '{' && text[strcspn(text, "}") + 1] == '\0';
}

const char *json_template_text(const struct reader *reader, const char *text)
{
    const char *at = text;
    if (is_one_insertion(text)) {
        return insertion_shown(reader, &at);
    }
    char built[JSON_TEMPLATE_CHARS_MAX + 1];
    size_t chars = 0;
    bool asks = false, shows = false;
    while (*at) {
        const char *piece = at;
        size_t len = strcspn(at, "{");
        if (*at == '{') {
            piece = insertion_shown(reader, &at);
            len = strlen(piece);
            asks = true;
            shows = shows || len;
        } else {
            at += len;
        }
        if (len > JSON_TEMPLATE_CHARS_MAX - chars) {
            return "";
        }
        memcpy(built + chars, piece, len);
        chars += len;
    }
    const char *begin = built;
    while (chars && *begin == ' ') {
        begin++;
        chars--;
    }
    while (chars && begin[chars - 1] == ' ') {
        chars--;
    }
    return asks && !shows ? "" : reader_keep(reader, begin, chars);
}

#include "stripe_read.h"

#include <string.h>

enum { ID_CHARS_MAX = 200, WORDS_BYTES_MAX = 320 };

static const char separators[] = " \t\r\n,";

static bool is_printable(const char *text, size_t chars_max)
{
    size_t chars = 0;
    for (; text[chars]; chars++) {
        if (chars == chars_max || text[chars] <= ' ' || text[chars] > '~') {
            return false;
        }
    }
    return true;
}

bool is_name(const char *text, size_t chars_max)
{
    return *text && is_printable(text, chars_max);
}

static const char *id_text(const char *text)
{
    return is_printable(text, ID_CHARS_MAX) ? text : "";
}

const char *read_id(const struct reader *reader, uint32_t at)
{
    if (tape_kind(reader->tape, at) == TAPE_OBJECT) {
        at = tape_get(reader->tape, at, "id");
    }
    return id_text(tape_text(reader->tape, at));
}

const char *read_id_path(const struct reader *reader, const char *path)
{
    return read_id(reader, tape_path(reader->tape, reader->object, path));
}

const char *read_word(const struct reader *reader, const char *path)
{
    return id_text(tape_text(reader->tape, tape_path(reader->tape, reader->object, path)));
}

const char *read_words(const struct reader *reader, const char *path)
{
    const char *text = tape_text(reader->tape, tape_path(reader->tape, reader->object, path));
    size_t bytes = 0;
    for (; text[bytes]; bytes++) {
        if (bytes == WORDS_BYTES_MAX || (unsigned char)text[bytes] < ' ' || text[bytes] == 0x7f) {
            return "";
        }
    }
    return text;
}

int64_t read_amount(const struct reader *reader, const char *path)
{
    int64_t amount = tape_int(reader->tape, tape_path(reader->tape, reader->object, path));
    return amount > 0 ? amount : 0;
}

int64_t read_ms(const struct reader *reader, uint32_t at)
{
    enum { MS = 1000, YEARS_10000_S_IN_THOUSANDS = 253402300 };
    int64_t seconds = tape_int(reader->tape, at);
    bool sane = seconds > 0 && seconds / MS < YEARS_10000_S_IN_THOUSANDS;
    return sane ? seconds * MS : 0;
}

int64_t read_ms_path(const struct reader *reader, const char *path)
{
    return read_ms(reader, tape_path(reader->tape, reader->object, path));
}

/* --- lists ----------------------------------------------------------------------------------- */

/* The next entry of a list; NULL at its end. */
static const char *next_entry(const char **at, size_t *chars)
{
    *at += strspn(*at, separators);
    const char *entry = *at;
    *chars = strcspn(entry, separators);
    *at += *chars;
    return *chars ? entry : NULL;
}

bool list_has(const char *list, const char *text)
{
    size_t wanted = strlen(text), chars;
    for (const char *entry; (entry = next_entry(&list, &chars));) {
        if (chars == wanted && memcmp(entry, text, chars) == 0) {
            return true;
        }
    }
    return false;
}

const char *read_app_user(const struct reader *reader, const char *metadata_path)
{
    const struct tape *tape = reader->tape;
    uint32_t metadata = tape_path(tape, reader->object, metadata_path);
    size_t chars;
    const char *keys = reader->rules->app_user_keys;
    for (const char *key; (key = next_entry(&keys, &chars));) {
        for (uint32_t at = tape_first(tape, metadata); at; at = tape_next(tape, metadata, at)) {
            const char *name = tape_key(tape, at);
            if (strlen(name) == chars && memcmp(name, key, chars) == 0) {
                const char *user = id_text(tape_text(tape, at));
                if (*user) {
                    return user;
                }
            }
        }
    }
    return "";
}

/* --- products -------------------------------------------------------------------------------- */

static void see(struct reader *reader, const char *id)
{
    if (*id) {
        reader->shows_product = true;
        reader->shows_ours |= list_has(reader->rules->products, id);
    }
}

void see_price(struct reader *reader, uint32_t price)
{
    see(reader, read_id(reader, price));
    see(reader, read_id(reader, tape_get(reader->tape, price, "product")));
}

void see_metadata(struct reader *reader, const char *metadata_path)
{
    uint32_t metadata = tape_path(reader->tape, reader->object, metadata_path);
    see(reader, read_id(reader, tape_get(reader->tape, metadata, "product")));
    see(reader, read_id(reader, tape_get(reader->tape, metadata, "price")));
}

void see_lines(struct reader *reader, const char *list_path)
{
    const struct tape *tape = reader->tape;
    uint32_t list = tape_path(tape, reader->object, list_path);
    uint32_t lines = tape_get(tape, list, "data");
    for (uint32_t line = tape_first(tape, lines); line; line = tape_next(tape, lines, line)) {
        see_price(reader, tape_get(tape, line, "price"));
        see_price(reader, tape_get(tape, line, "plan"));
        see_price(reader, tape_path(tape, line, "pricing.price_details.price"));
        see(reader, read_id(reader, tape_path(tape, line, "pricing.price_details.product")));
    }
}

/* --- facts ----------------------------------------------------------------------------------- */

struct fact *add_fact(struct reader *reader, enum fact_kind kind, const char *key)
{
    struct translation *out = reader->out;
    if (!*key || out->fact_count == FACTS_MAX) {
        return NULL;
    }
    struct fact *fact = &out->facts[out->fact_count++];
    *fact = (struct fact){.kind = kind,
                          .key = key,
                          .at_ms = out->created_s * 1000,
                          .status = "",
                          .customer = "",
                          .email = "",
                          .name = "",
                          .app_user = "",
                          .subscription = "",
                          .payment_intent = "",
                          .object = "",
                          .reason = "",
                          .currency = ""};
    return fact;
}

void add_link(struct reader *reader, const char *from, const char *to)
{
    struct fact *link = *to && strcmp(from, to) != 0 ? add_fact(reader, FACT_LINK, from) : NULL;
    if (link) {
        link->object = to;
        link->email = reader->email;
        link->app_user = reader->app_user;
    }
}

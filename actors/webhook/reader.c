#include "reader.h"

#include "clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Our source's name stands before the id: "stripe:evt_1" has to fit into an event's id. */
enum { ID_CHARS_MAX = 200, TYPE_CHARS_MAX = 100, WORDS_BYTES_MAX = 320 };

static const char separators[] = " \t\r\n,";

/* --- values ---------------------------------------------------------------------------------- */

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

const char *usable_id(const char *text)
{
    return is_printable(text, ID_CHARS_MAX) ? text : "";
}

const char *usable_words(const char *text)
{
    size_t bytes = 0;
    for (; text[bytes]; bytes++) {
        if (bytes == WORDS_BYTES_MAX || (unsigned char)text[bytes] < ' ' || text[bytes] == 0x7f) {
            return "";
        }
    }
    return text;
}

int64_t usable_ms(int64_t seconds)
{
    enum { MS = 1000, YEARS_10000_S_IN_THOUSANDS = 253402300 };
    bool sane = seconds > 0 && seconds / MS < YEARS_10000_S_IN_THOUSANDS;
    return sane ? seconds * MS : 0;
}

/* A year of four digits, so that no bare number is taken for seconds. */
int64_t usable_time(const char *text)
{
    int64_t ms = 0;
    bool good = strspn(text, "0123456789") == 4 && text[4] == '-' &&
                is_printable(text, ID_CHARS_MAX) && clock_parse(text, &ms);
    return good && ms > 0 ? ms : 0;
}

const char *reader_keep(const struct reader *reader, const char *text, size_t chars)
{
    struct translation *out = reader->out;
    if (chars >= sizeof out->room - out->room_used) {
        out->room_full = true;
        return "";
    }
    char *kept = out->room + out->room_used;
    memcpy(kept, text, chars);
    kept[chars] = '\0';
    out->room_used += chars + 1;
    return kept;
}

const char *read_id(const struct reader *reader, uint32_t at)
{
    if (tape_kind(reader->tape, at) == TAPE_OBJECT) {
        at = tape_get(reader->tape, at, "id");
    }
    return usable_id(tape_text(reader->tape, at));
}

const char *read_id_path(const struct reader *reader, const char *path)
{
    return read_id(reader, tape_path(reader->tape, reader->object, path));
}

const char *read_numbered(const struct reader *reader, const char *kind, const char *path)
{
    char text[2 * ID_CHARS_MAX];
    uint32_t at = tape_path(reader->tape, reader->object, path);
    bool is_number = tape_kind(reader->tape, at) == TAPE_INT;
    const char *id = is_number ? "" : read_id(reader, at);
    if (!is_number && !*id) {
        return "";
    }
    int chars = is_number ? snprintf(text, sizeof text, "%s%lld", kind,
                                     (long long)tape_int(reader->tape, at))
                          : snprintf(text, sizeof text, "%s%s", kind, id);
    return reader_keep(reader, text, (size_t)chars);
}

const char *read_word(const struct reader *reader, const char *path)
{
    return usable_id(tape_text(reader->tape, tape_path(reader->tape, reader->object, path)));
}

const char *read_currency(const struct reader *reader, const char *path)
{
    enum { CODE_CHARS = 3 };
    const char *code = read_word(reader, path);
    char small[CODE_CHARS];
    if (strlen(code) != CODE_CHARS) {
        return "";
    }
    for (int i = 0; i < CODE_CHARS; i++) {
        small[i] = (char)tolower((unsigned char)code[i]);
    }
    return reader_keep(reader, small, CODE_CHARS);
}

const char *read_words(const struct reader *reader, const char *path)
{
    return usable_words(tape_text(reader->tape, tape_path(reader->tape, reader->object, path)));
}

int64_t read_amount(const struct reader *reader, const char *path)
{
    enum { DIGITS_MAX = 15 };
    uint32_t at = tape_path(reader->tape, reader->object, path);
    int64_t amount = tape_int(reader->tape, at);
    const char *digits = tape_text(reader->tape, at);
    size_t count = strspn(digits, "0123456789");
    if (count <= DIGITS_MAX && digits[count] == '\0') {
        for (; *digits; digits++) {
            amount = amount * 10 + (*digits - '0');
        }
    }
    return amount > 0 ? amount : 0;
}

int64_t read_time(const struct reader *reader, uint32_t at)
{
    return usable_time(tape_text(reader->tape, at));
}

int64_t read_time_path(const struct reader *reader, const char *path)
{
    return read_time(reader, tape_path(reader->tape, reader->object, path));
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

/* A user's id: text, or a whole number. */
static const char *user_at(const struct reader *reader, uint32_t at)
{
    char text[32];
    if (tape_kind(reader->tape, at) != TAPE_INT) {
        return usable_id(tape_text(reader->tape, at));
    }
    int chars = snprintf(text, sizeof text, "%lld", (long long)tape_int(reader->tape, at));
    return reader_keep(reader, text, (size_t)chars);
}

const char *read_app_user_in(const struct reader *reader, uint32_t metadata)
{
    const struct tape *tape = reader->tape;
    size_t chars;
    const char *keys = reader->rules->app_user_keys;
    for (const char *key; (key = next_entry(&keys, &chars));) {
        for (uint32_t at = tape_first(tape, metadata); at; at = tape_next(tape, metadata, at)) {
            const char *name = tape_key(tape, at);
            if (strlen(name) == chars && memcmp(name, key, chars) == 0) {
                const char *user = user_at(reader, at);
                if (*user) {
                    return user;
                }
            }
        }
    }
    return "";
}

const char *read_app_user(const struct reader *reader, const char *metadata_path)
{
    return read_app_user_in(reader, tape_path(reader->tape, reader->object, metadata_path));
}

/* --- facts ----------------------------------------------------------------------------------- */

void see(struct reader *reader, const char *id)
{
    if (*id) {
        reader->shows_product = true;
        reader->shows_ours |= list_has(reader->rules->products, id);
    }
}

struct fact *add_fact(struct reader *reader, enum fact_kind kind, const char *key)
{
    struct translation *out = reader->out;
    if (!*key || out->fact_count == FACTS_MAX) {
        return NULL;
    }
    struct fact *fact = &out->facts[out->fact_count++];
    *fact = (struct fact){.kind = kind,
                          .key = key,
                          .at_ms = reader->at_ms,
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

/* --- the event ------------------------------------------------------------------------------- */

struct reader reader_begin(const struct tape *tape, const struct provider_rules *rules,
                           struct translation *out)
{
    out->id = out->provider_type = out->type = out->ignored = out->visit = "";
    out->created_s = 0;
    out->livemode = rules->live;
    out->fact_count = 0;
    out->room_used = 0;
    out->room_full = false;
    return (struct reader){.tape = tape,
                           .rules = rules,
                           .out = out,
                           .object = TAPE_ROOT,
                           .email = "",
                           .name = "",
                           .app_user = ""};
}

enum fault reader_envelope(const struct reader *reader, const char *const *names, size_t count,
                           uint32_t *at)
{
    const struct tape *tape = reader->tape;
    memset(at, 0, count * sizeof *at);
    for (uint32_t c = tape_first(tape, TAPE_ROOT); c; c = tape_next(tape, TAPE_ROOT, c)) {
        for (size_t i = 0; i < count; i++) {
            if (strcmp(tape_key(tape, c), names[i]) == 0) {
                if (at[i]) {
                    return FAULT_MALFORMED;
                }
                at[i] = c;
            }
        }
    }
    return tape_kind(tape, TAPE_ROOT) == TAPE_OBJECT ? OK : FAULT_MALFORMED;
}

enum fault reader_name(struct reader *reader, const char *id, const char *type, int64_t at_ms)
{
    reader->out->id = id;
    reader->out->provider_type = type;
    reader->at_ms = at_ms;
    reader->out->created_s = at_ms / 1000;
    bool whole = is_name(id, TRANSLATION_ID_CHARS_MAX) && is_name(type, TYPE_CHARS_MAX);
    return whole ? OK : FAULT_MALFORMED;
}

bool is_over(const char *status)
{
    return strcmp(status, "canceled") == 0 || strcmp(status, "incomplete_expired") == 0;
}

static const char *type_of(const struct fact *first)
{
    switch (first->kind) {
    case FACT_PAYMENT:
        return strcmp(first->status, "paid") == 0 ? "payment.succeeded" : "payment.failed";
    case FACT_REFUND:
        return first->amount && first->amount >= first->of ? "payment.refunded"
                                                           : "payment.partly_refunded";
    case FACT_REFUND_STATE:
        return strcmp(first->status, "pending") == 0 ? "payment.linked" : "payment.partly_refunded";
    case FACT_DISPUTE:
        return strcmp(first->status, "won") == 0 || strcmp(first->status, "lost") == 0
                   ? "dispute.closed"
                   : "dispute.opened";
    case FACT_SUBSCRIPTION:
        return is_over(first->status) ? "subscription.ended" : "subscription.changed";
    case FACT_CUSTOMER:
        return "customer.changed";
    default:
        return "payment.linked";
    }
}

void reader_ignore(struct reader *reader, const char *why)
{
    reader->out->type = "provider.ignored";
    reader->out->ignored = why;
}

bool reader_is_of_mode(struct reader *reader, bool livemode)
{
    reader->out->livemode = livemode;
    if (livemode != reader->rules->live) {
        reader_ignore(reader, livemode ? "a live event, and the mode is test"
                                       : "a test event, and the mode is live");
    }
    return livemode == reader->rules->live;
}

static void mark_foreign(struct translation *out)
{
    for (size_t i = 0; i < out->fact_count; i++) {
        out->facts[i].foreign = true;
    }
}

enum fault reader_conclude(struct reader *reader, enum weight weight)
{
    struct translation *out = reader->out;
    if (out->room_full) {
        return FAULT_TOO_LARGE;
    }
    if (out->fact_count == 0) {
        reader_ignore(reader, "names no object that it could be about");
        return OK;
    }
    enum fact_kind first = out->facts[0].kind;
    bool buys = first == FACT_PAYMENT || first == FACT_SUBSCRIPTION;
    out->type = type_of(&out->facts[0]);
    if (!*reader->rules->products || reader->shows_ours) {
        return OK;
    }
    if (reader->shows_product || (buys && weight == BUYS)) {
        mark_foreign(out);
        reader_ignore(reader, "of a product that is not ours");
    } else if (buys && weight == FOLLOWS) {
        mark_foreign(out);
    }
    return OK;
}

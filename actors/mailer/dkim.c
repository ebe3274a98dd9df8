#include "dkim.h"

#include <string.h>
#include <strings.h>

enum { FIELD_CHARS_MAX = 76 };

/* From twice: signed once more than it is there, a second one would break the signature. */
const char *const dkim_fields[] = {"from",
                                   "to",
                                   "subject",
                                   "date",
                                   "message-id",
                                   "mime-version",
                                   "content-type",
                                   "content-transfer-encoding",
                                   "auto-submitted",
                                   "list-unsubscribe",
                                   "list-unsubscribe-post",
                                   "from",
                                   "to",
                                   "subject",
                                   "date",
                                   NULL};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* --- the message -------------------------------------------------------------------------------- */

/* Behind the CRLF that ends a header field: at a line that does not go on with it. */
static const char *field_end(const char *at)
{
    for (;;) {
        at = strstr(at, "\r\n") + 2;
        if (!blank(*at)) {
            return at;
        }
    }
}

/* All lines end with CRLF, nothing but header fields comes before an empty line. */
static bool whole(const char *message)
{
    size_t len = strlen(message);
    const char *body = strstr(message, "\r\n\r\n");
    if (!body || body == message || blank(*message) || strncmp(message + len - 2, "\r\n", 2) != 0) {
        return false;
    }
    for (const char *at = message; *at; at++) {
        if ((*at == '\r' && at[1] != '\n') || (*at == '\n' && (at == message || at[-1] != '\r'))) {
            return false;
        }
    }
    for (const char *at = message; at < body; at = field_end(at)) {
        if (strcspn(at, ":\r") == 0 || at[strcspn(at, ":\r")] != ':') {
            return false;
        }
    }
    return true;
}

/* The first field of a name at `at` or below; NULL: none. */
static const char *field_from(const char *at, const char *name)
{
    for (; *at != '\r'; at = field_end(at)) {
        size_t len = strcspn(at, ":");
        while (len > 0 && blank(at[len - 1])) {
            len--;
        }
        if (len == strlen(name) && strncasecmp(at, name, len) == 0) {
            return at;
        }
    }
    return NULL;
}

/* The n-th field of a name from 0, counted from the bottom; NULL behind the last. */
static const char *field_nth(const char *message, const char *name, size_t n)
{
    size_t count = 0;
    const char *first = field_from(message, name);
    for (const char *at = first; at; at = field_from(field_end(at), name)) {
        count++;
    }
    for (size_t i = n + 1; i < count; i++) {
        first = field_from(field_end(first), name);
    }
    return n < count ? first : NULL;
}

/* --- relaxed canonical forms -------------------------------------------------------------------- */

/* Appends the name in lower case, a colon, and the value on one line with single blanks. */
static void relaxed_field(const char *at, struct buf *out)
{
    const char *end = field_end(at);
    bool gap = false;
    bool first = true;
    for (; *at != ':'; at++) {
        char lower = (char)(*at >= 'A' && *at <= 'Z' ? *at + 'a' - 'A' : *at);
        buf_add(out, &lower, blank(*at) ? 0 : 1);
    }
    buf_add_text(out, ":");
    for (at++; at < end; at++) {
        if (blank(*at) || *at == '\r' || *at == '\n') {
            gap = true;
            continue;
        }
        buf_add(out, " ", gap && !first ? 1 : 0);
        buf_add(out, at, 1);
        gap = first = false;
    }
    buf_add_text(out, "\r\n");
}

/* Appends the body: single blanks, none at the end of a line, no empty lines at the end. */
static void relaxed_body(const char *at, struct buf *out)
{
    size_t empty_lines = 0;
    bool gap = false;
    for (; *at; at++) {
        if (blank(*at)) {
            gap = true;
        } else if (*at == '\r') {
            at++;
            empty_lines++; /* or the end of a line with something on it */
            gap = false;
        } else {
            for (; empty_lines > 0; empty_lines--) {
                buf_add_text(out, "\r\n");
            }
            buf_add(out, " ", gap ? 1 : 0);
            buf_add(out, at, 1);
            gap = false;
        }
    }
    if (out->len > 0) {
        buf_add_text(out, "\r\n");
    }
}

/* --- the signature ------------------------------------------------------------------------------ */

static size_t repeated(const char *const *fields, size_t upto)
{
    size_t count = 0;
    for (size_t i = 0; i < upto; i++) {
        count += strcmp(fields[i], fields[upto]) == 0;
    }
    return count;
}

/* Appends "from : to : ..." to `names` and the fields themselves to `signed_bytes`. */
static void add_fields(const char *message, const char *const *fields, struct buf *names,
                       struct buf *signed_bytes)
{
    for (size_t i = 0; fields[i]; i++) {
        const char *field = field_nth(message, fields[i], repeated(fields, i));
        if (!field && !field_nth(message, fields[i], 0)) {
            continue;
        }
        buf_printf(names, "%s%s", names->len > 0 ? " : " : "", fields[i]);
        if (field) {
            relaxed_field(field, signed_bytes);
        }
    }
}

static void body_hash(const char *message, char *text)
{
    uint8_t hash[SHA256_BYTES];
    struct buf body = {0};
    relaxed_body(strstr(message, "\r\n\r\n") + 4, &body);
    sha256(body.len > 0 ? body.bytes : (const uint8_t *)"", body.len, hash);
    base64_encode(hash, sizeof hash, text);
    buf_fini(&body);
}

/* Folds at blanks: a relaxed reader sees the same. */
static void add_folded(const char *text, size_t column, struct buf *out)
{
    while (*text) {
        size_t word = strcspn(text + 1, " ") + 1; /* with the blank before it */
        if (column > 0 && column + word > FIELD_CHARS_MAX) {
            buf_add_text(out, "\r\n");
            column = 0;
        }
        buf_add(out, text, word);
        column += word;
        text += word;
    }
}

static void add_signature(const char *base64, struct buf *out)
{
    for (size_t len = strlen(base64); len > 0;) {
        size_t part = len < FIELD_CHARS_MAX - 4 ? len : FIELD_CHARS_MAX - 4;
        buf_add(out, base64, part);
        base64 += part;
        len -= part;
        buf_add_text(out, len > 0 ? "\r\n " : "\r\n");
    }
}

enum fault dkim_sign(const struct dkim_signer *signer, const char *const *fields,
                     const char *message, int64_t time_s, struct buf *out)
{
    char hash[SHA256_BYTES * 2];
    struct buf names = {0};
    struct buf bytes = {0};
    struct buf value = {0};
    struct buf signature = {0};
    if (!whole(message)) {
        return FAULT_MALFORMED;
    }
    body_hash(message, hash);
    add_fields(message, fields, &names, &bytes);
    buf_printf(
        &value,
        "v=1; a=%s; c=relaxed/relaxed; d=%s; i=@%s; q=dns/txt; s=%s; t=%lld; h=%s; bh=%s; b=",
        dkim_algorithm(dkim_key_kind(signer->key)), signer->domain, signer->domain,
        signer->selector, (long long)time_s, buf_text(&names), hash);
    buf_printf(&bytes, "dkim-signature:%s", buf_text(&value));
    dkim_key_sign(signer->key, (struct slice){bytes.bytes, bytes.len}, &signature);
    value.len -= strlen(" b="); /* which begins a line of its own */
    buf_add_text(out, "DKIM-Signature: ");
    add_folded(buf_text(&value), strlen("DKIM-Signature: "), out);
    buf_add_text(out, "\r\n b=");
    add_signature(buf_text(&signature), out);
    buf_fini(&names);
    buf_fini(&bytes);
    buf_fini(&value);
    buf_fini(&signature);
    return OK;
}

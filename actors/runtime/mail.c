#include "mail.h"

#include "digest.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LINE_CHARS_MAX = 76, WORD_BYTES_MAX = 39, URL_BYTES_MAX = 900 };

/* --- what may stand where ----------------------------------------------------------------------- */

static bool utf8(const char *text)
{
    json_t *checked = json_string(text); /* NULL for what is not UTF-8 */
    json_decref(checked);
    return checked != NULL;
}

static bool header_safe(const char *value)
{
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            return false;
        }
    }
    return utf8(value);
}

bool mail_address_good(const char *address)
{
    const char *at = strrchr(address, '@');
    size_t len = strlen(address);
    if (!at || at == address || !at[1] || at[1] == '.' || at[1] == '-' || at - address > 64 ||
        len > MAIL_ADDRESS_BYTES_MAX || *address == '.' || *address == '-') {
        return false;
    }
    for (const char *c = address; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr(".-", *c) ||
                     (c < at && strchr("!#$%&'*+/=?^_`{|}~", *c)) || c == at;
        if (!plain || (*c == '.' && (c[1] == '.' || c[1] == '@'))) {
            return false;
        }
    }
    return true;
}

bool mail_split(const char *text, char *name, size_t name_room, char *address, size_t address_room)
{
    const char *open = strrchr(text, '<');
    const char *begin = open ? open + 1 : text;
    size_t len = open ? strcspn(begin, ">") : strlen(text);
    size_t name_len = open ? (size_t)(open - text) : 0;
    if (open && (begin[len] != '>' || begin[len + 1] != '\0')) {
        return false;
    }
    while (name_len > 0 && text[name_len - 1] == ' ') {
        name_len--;
    }
    if (name_len >= 2 && text[0] == '"' && text[name_len - 1] == '"') {
        text++;
        name_len -= 2;
    }
    if (len >= address_room || name_len >= name_room) {
        return false;
    }
    memcpy(address, begin, len);
    address[len] = '\0';
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    return mail_address_good(address) && header_safe(name);
}

/* --- headers ------------------------------------------------------------------------------------ */

/* RFC 2047: words of base64, cut between characters, one a line. */
static void encoded_words(const char *text, struct buf *out)
{
    const char *at = text;
    while (*at) {
        char word[(WORD_BYTES_MAX + 2) / 3 * 4 + 8];
        size_t len = 0;
        while (at[len] && len < WORD_BYTES_MAX) {
            len++;
        }
        while (at[len] && len > 0 && ((unsigned char)at[len] & 0xc0) == 0x80) {
            len--; /* not within a character */
        }
        base64_encode(at, len, word);
        buf_printf(out, "%s=?UTF-8?B?%s?=", at == text ? "" : "\r\n ", word);
        at += len;
    }
}

static bool ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

static void unstructured(const char *name, const char *value, struct buf *out)
{
    buf_printf(out, "%s: ", name);
    bool simple = ascii(value) && strlen(name) + 2 + strlen(value) <= LINE_CHARS_MAX &&
                  !strstr(value, "=?") && *value != ' ';
    if (simple) {
        buf_add_text(out, value);
    } else {
        encoded_words(value, out);
    }
    buf_add_text(out, "\r\n");
}

static void quoted(const char *text, struct buf *out)
{
    buf_add_text(out, "\"");
    for (const char *at = text; *at; at++) {
        buf_printf(out, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
    }
    buf_add_text(out, "\"");
}

void mail_mailbox(const char *name, const char *address, struct buf *out)
{
    if (*name) {
        quoted(name, out);
        buf_add_text(out, " ");
    }
    buf_printf(out, *name ? "<%s>" : "%s", address);
}

static void mailbox(const char *header, const char *name, const char *address, struct buf *out)
{
    buf_printf(out, "%s: ", header);
    if (*name && ascii(name) && strlen(name) < 50 && !strstr(name, "=?")) {
        quoted(name, out);
        buf_add_text(out, "\r\n ");
    } else if (*name) {
        encoded_words(name, out);
        buf_add_text(out, "\r\n ");
    }
    buf_printf(out, "<%s>\r\n", address);
}

static void date(int64_t date_ms, struct buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(date_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buf_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday,
               tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
               tm.tm_sec);
}

/* --- bodies ------------------------------------------------------------------------------------- */

/* RFC 2045: what is not printable ASCII, and "=", as =XX; soft breaks; blanks at line ends and what
 * mail programs might take for their own ("." alone, "From ") encoded. */
static void quoted_printable(const char *text, struct buf *out)
{
    size_t column = 0;
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '\n' || (c == '\r' && at[1] == '\n')) {
            at += c == '\r';
            buf_add_text(out, "\r\n");
            column = 0;
            continue;
        }
        bool last = at[1] == '\0' || at[1] == '\n' || (at[1] == '\r' && at[2] == '\n');
        bool plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
        if (column == 0 && (c == '.' || (c == 'F' && strncmp(at, "From ", 5) == 0))) {
            plain = false;
        }
        size_t width = plain ? 1 : 3;
        if (column + width > LINE_CHARS_MAX - 1) {
            buf_add_text(out, "=\r\n");
            column = 0;
            plain = plain && c != '.';
            width = plain ? 1 : 3;
        }
        if (plain) {
            buf_add(out, &c, 1);
        } else {
            buf_printf(out, "=%02X", c);
        }
        column += width;
    }
    if (column > 0) {
        buf_add_text(out, "\r\n");
    }
}

static void part(const char *type, const char *text, struct buf *out)
{
    buf_printf(out,
               "Content-Type: %s; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
               type);
    quoted_printable(text, out);
}

static void bodies(const struct mail *mail, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    if (!mail->html) {
        part("text/plain", mail->text, out);
        return;
    }
    sha256(mail->message_id, strlen(mail->message_id), hash);
    hex_encode(hash, sizeof hash, hex);
    hex[24] = '\0';
    /* "=_" cannot stand in quoted-printable: no text can hold the boundary. */
    buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_usher_%s\"\r\n\r\n",
               hex);
    buf_printf(out, "--=_usher_%s\r\n", hex);
    part("text/plain", mail->text, out);
    buf_printf(out, "\r\n--=_usher_%s\r\n", hex);
    part("text/html", mail->html, out);
    buf_printf(out, "\r\n--=_usher_%s--\r\n", hex);
}

/* What may stand between < and > of a header. */
static bool url_safe(const char *url)
{
    for (const char *at = url; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("<>\"\\", *at)) {
            return false;
        }
    }
    return strlen(url) <= URL_BYTES_MAX;
}

enum fault mail_build(const struct mail *mail, struct buf *out)
{
    bool good = mail_address_good(mail->from) && mail_address_good(mail->to) &&
                mail_address_good(mail->message_id) && header_safe(mail->from_name) &&
                header_safe(mail->to_name) && header_safe(mail->subject) && *mail->subject &&
                utf8(mail->text) && (!mail->html || utf8(mail->html)) &&
                (!mail->unsubscribe || url_safe(mail->unsubscribe));
    if (!good) {
        return FAULT_MALFORMED;
    }
    if (strlen(mail->subject) > MAIL_SUBJECT_BYTES_MAX || strlen(mail->text) > MAIL_BYTES_MAX / 4 ||
        (mail->html && strlen(mail->html) > MAIL_BYTES_MAX / 4) ||
        strlen(mail->from_name) > MAIL_SUBJECT_BYTES_MAX ||
        strlen(mail->to_name) > MAIL_SUBJECT_BYTES_MAX) {
        return FAULT_TOO_LARGE;
    }
    date(mail->date_ms, out);
    mailbox("From", mail->from_name, mail->from, out);
    mailbox("To", mail->to_name, mail->to, out);
    unstructured("Subject", mail->subject, out);
    buf_printf(out,
               "Message-ID: <%s>\r\n"
               "MIME-Version: 1.0\r\n"
               "Auto-Submitted: " MAIL_AUTO_SUBMITTED "\r\n",
               mail->message_id);
    if (mail->unsubscribe) {
        buf_printf(out,
                   "List-Unsubscribe: <%s>\r\n"
                   "List-Unsubscribe-Post: " MAIL_ONE_CLICK "\r\n",
                   mail->unsubscribe);
    }
    bodies(mail, out);
    return OK;
}

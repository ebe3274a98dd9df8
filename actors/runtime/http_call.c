#include "http_call.h"

#include "clock.h"
#include "must.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void call_fini(struct call *call)
{
    struct buf *all[] = {&call->url, &call->headers, &call->body,     &call->from,
                         &call->to,  &call->user,    &call->password, &call->ca};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        buf_fini(all[i]);
    }
}

enum fault call_header(struct call *call, const char *name, const char *value)
{
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '-') {
            return FAULT_MALFORMED;
        }
    }
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            return FAULT_MALFORMED;
        }
    }
    buf_printf(&call->headers, "%s: %s\n", name, value);
    return OK;
}

void call_escape(struct buf *url, const char *text)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool plain = (c < 0x80 && isalnum(c)) || strchr("-._~", c);
        if (plain) {
            buf_add(url, at, 1);
        } else {
            buf_printf(url, "%%%02X", c);
        }
    }
}

bool answer_header(const struct answer *answer, const char *name, char *value, size_t room)
{
    size_t len = strlen(name);
    const char *line = answer->headers;
    while (line && *line) {
        size_t all = strcspn(line, "\n");
        if (all > len && line[len] == ':' && strncasecmp(line, name, len) == 0) {
            size_t from = len + 1 + strspn(line + len + 1, " \t");
            size_t bytes = from < all ? all - from : 0;
            snprintf(value, room, "%.*s", (int)bytes, line + from);
            return true;
        }
        line += all + (line[all] == '\n');
    }
    *value = '\0';
    return false;
}

/* --- which URLs ------------------------------------------------------------------------------ */

static bool loopback(const char *host)
{
    struct in_addr four; /* parsed, because "127.0.0.1.example.com" is a name */
    bool local4 = inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
    return local4 || strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

struct url_kind {
    bool secure;
    bool local;
    bool mail;
};

static bool url_kind_of(const char *url, struct url_kind *kind, struct buf *why)
{
    bool good = false;
    char *scheme = NULL;
    char *host = NULL;
    CURLU *parts = curl_url();
    MUST(parts);
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host) {
        buf_add_text(why, "not a URL such as https://host/path");
        goto out;
    }
    kind->mail = strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0;
    kind->secure = strcmp(scheme, "https") == 0 || strcmp(scheme, "smtps") == 0;
    kind->local = loopback(host);
    good = kind->mail || kind->secure || strcmp(scheme, "http") == 0;
    if (!good) {
        buf_add_text(why, "expected https://, http://, smtp:// or smtps://");
    }
out:
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return good;
}

bool http_out_url_allowed(const char *url, bool plain, struct buf *why)
{
    struct url_kind kind = {0};
    if (!url_kind_of(url, &kind, why)) {
        return false;
    }
    /* smtp: is secured by STARTTLS, which the call insists on. */
    if (!kind.secure && !kind.mail && !kind.local && !plain) {
        buf_add_text(why, "http:// is taken for loopback addresses only; use https://");
        return false;
    }
    return true;
}

/* --- making ---------------------------------------------------------------------------------- */

static size_t on_answer(char *bytes, size_t size, size_t count, void *self)
{
    struct http_call *call = self;
    size_t len = size * count;
    if (call->answer.len + len > HTTP_ANSWER_BYTES_MAX) {
        call->too_large = true;
        return 0;
    }
    buf_add(&call->answer, bytes, len);
    return len;
}

/* A line at a time; those of an answer that goes before the real one (100) are forgotten. */
static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
    struct http_call *call = self;
    size_t len = size * count;
    size_t text = len;
    if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buf_reset(&call->answer_headers);
        return len;
    }
    while (text > 0 && strchr(" \t\r\n", bytes[text - 1])) {
        text--;
    }
    if (text > 0 && call->answer_headers.len + text < HTTP_HEADERS_BYTES_MAX) {
        buf_add(&call->answer_headers, bytes, text);
        buf_add_text(&call->answer_headers, "\n");
    }
    return len;
}

static size_t on_send(char *room, size_t size, size_t count, void *self)
{
    struct http_call *call = self;
    size_t left = call->sending.len - call->sent_bytes;
    if (left == 0) {
        if (call->hold && !call->released) {
            call->held_now = true;
            return CURL_READFUNC_PAUSE;
        }
        call->released = true;
        return 0;
    }
    size_t len = size * count < left ? size * count : left;
    memcpy(room, call->sending.bytes + call->sent_bytes, len);
    call->sent_bytes += len;
    return len;
}

/* Sets an option; our own mistake if curl does not know it. */
#define SET(option, value) MUST(curl_easy_setopt(call->easy, (option), (value)) == CURLE_OK)

static void set_common(struct http_call *call, const struct call *wanted)
{
    long timeout_ms = wanted->timeout_ms > 0 ? wanted->timeout_ms : HTTP_TIMEOUT_MS;
    struct buf url = {0};
    buf_add(&url, wanted->url.bytes, wanted->url.len);
    SET(CURLOPT_URL, buf_text(&url));
    buf_fini(&url);
    SET(CURLOPT_PRIVATE, call);
    SET(CURLOPT_ERRORBUFFER, call->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 5000 ? timeout_ms : 5000L);
    /* curl repeats a request by itself when a kept connection turns out dead. Attempts are ours to
     * count and to space, so each call has a connection of its own. */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_CERTINFO, (long)wanted->inspect);
    SET(CURLOPT_WRITEFUNCTION, on_answer);
    SET(CURLOPT_WRITEDATA, call);
    SET(CURLOPT_READFUNCTION, on_send);
    SET(CURLOPT_READDATA, call);
}

static void set_texts(struct http_call *call, const struct call *wanted)
{
    const struct {
        CURLoption option;
        const struct buf *value;
    } rows[] = {{CURLOPT_USERNAME, &wanted->user},
                {CURLOPT_PASSWORD, &wanted->password},
                {CURLOPT_CAINFO, &wanted->ca}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].value->len > 0) {
            struct buf text = {0};
            buf_add(&text, rows[i].value->bytes, rows[i].value->len);
            SET(rows[i].option, buf_text(&text));
            buf_fini(&text);
        }
    }
}

static void set_http(struct http_call *call, const struct call *wanted)
{
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_USERAGENT, "usher/" USHER_VERSION);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, call);
    if (wanted->user.len > 0) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    }
    if (wanted->body.len > 0) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sending.len);
        SET(CURLOPT_POSTFIELDS, (char *)call->sending.bytes);
    }
    SET(CURLOPT_CUSTOMREQUEST, wanted->method);
    call->headers = curl_slist_append(call->headers, "Expect:");
    struct buf line = {0};
    for (size_t i = 0; i < wanted->headers.len; i++) {
        if (wanted->headers.bytes[i] != '\n') {
            buf_add(&line, wanted->headers.bytes + i, 1);
            continue;
        }
        call->headers = curl_slist_append(call->headers, buf_text(&line));
        buf_reset(&line);
    }
    buf_fini(&line);
    MUST(call->headers);
    SET(CURLOPT_HTTPHEADER, call->headers);
}

static struct curl_slist *address(const struct buf *from)
{
    char *text = must_sprintf("<%.*s>", (int)from->len, (const char *)from->bytes);
    struct curl_slist *list = curl_slist_append(NULL, text);
    MUST(list);
    free(text);
    return list;
}

static void set_mail(struct http_call *call, const struct call *wanted, const struct url_kind *kind)
{
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    bool secured = kind->secure || wanted->starttls || (!kind->local && !wanted->plain);
    SET(CURLOPT_USE_SSL, (long)(secured ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    call->mail = true;
    if (strcmp(wanted->method, "NOOP") == 0) { /* no mail: connect, log in, leave */
        SET(CURLOPT_CUSTOMREQUEST, "NOOP");
        return;
    }
    struct curl_slist *from = address(&wanted->from);
    SET(CURLOPT_MAIL_FROM, from->data);
    curl_slist_free_all(from);
    call->recipients = address(&wanted->to);
    SET(CURLOPT_MAIL_RCPT, call->recipients);
    SET(CURLOPT_UPLOAD, 1L);
    call->hold = wanted->hold;
}

/* Envelope addresses go into SMTP commands: nothing that could end or split one. */
static bool address_safe(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->bytes[i] <= ' ' || text->bytes[i] == 0x7f || strchr("<>", text->bytes[i])) {
            return false;
        }
    }
    return text->len > 0;
}

enum fault http_call_new(const struct call *wanted, struct http_call **out)
{
    struct buf url = {0};
    struct buf why = {0};
    struct url_kind kind = {0};
    buf_add(&url, wanted->url.bytes, wanted->url.len);
    bool noop = strcmp(wanted->method, "NOOP") == 0;
    bool mail = strcmp(wanted->method, "MAIL") == 0 || noop;
    bool allowed = memchr(wanted->url.bytes ? wanted->url.bytes : (const uint8_t *)"", 0,
                          wanted->url.len) == NULL &&
                   http_out_url_allowed(buf_text(&url), wanted->plain, &why) &&
                   url_kind_of(buf_text(&url), &kind, &why) && kind.mail == mail;
    buf_fini(&url);
    buf_fini(&why);
    if (!allowed) {
        return FAULT_DENIED;
    }
    if (mail && !noop && (!address_safe(&wanted->from) || !address_safe(&wanted->to))) {
        return FAULT_MALFORMED;
    }
    struct http_call *call = must_calloc(1, sizeof *call);
    call->easy = curl_easy_init();
    MUST(call->easy);
    buf_add(&call->sending, wanted->body.bytes, wanted->body.len);
    set_common(call, wanted);
    set_texts(call, wanted);
    if (mail) {
        set_mail(call, wanted, &kind);
    } else {
        set_http(call, wanted);
    }
    *out = call;
    return OK;
}

void http_call_destroy(struct http_call **out)
{
    struct http_call *call = *out;
    if (!call) {
        return;
    }
    *out = NULL;
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->recipients);
    buf_fini(&call->sending);
    buf_fini(&call->answer);
    buf_fini(&call->answer_headers);
    free(call);
}

void http_call_release(struct http_call *call)
{
    call->held_now = false;
    call->released = true;
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

/* --- what came of it ------------------------------------------------------------------------- */

static enum fault fault_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_OPERATION_TIMEDOUT:
        return FAULT_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
        return FAULT_UNAVAILABLE;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return FAULT_DENIED;
    default:
        return FAULT_IO;
    }
}

/* An SMTP server that says no ends curl's transfer with an error, its reply being the answer. */
static void mail_answer(const struct http_call *call, CURLcode code, struct answer *answer)
{
    answer->sent = call->released;
    if (code == CURLE_OK) {
        answer->status = 250;
    } else if (answer->status >= 400 && answer->status < 600 && code != CURLE_OPERATION_TIMEDOUT) {
        answer->fault = OK;
    }
}

static enum answer_tls tls_of(const struct http_call *call, CURLcode code)
{
    long verified = X509_V_OK;
    if (code == CURLE_USE_SSL_FAILED) {
        return ANSWER_TLS_NONE;
    }
    if (code == CURLE_SSL_CONNECT_ERROR) {
        return ANSWER_TLS_BROKEN;
    }
    if (code != CURLE_PEER_FAILED_VERIFICATION) {
        return ANSWER_TLS_FINE;
    }
    curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    switch (verified) {
    case X509_V_OK: /* the chain is good, curl itself looks at the name */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return ANSWER_TLS_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return ANSWER_TLS_EXPIRED;
    default:
        return ANSWER_TLS_STRANGER;
    }
}

/* When the target's own certificate ends. Those above it in the chain may have ended: servers go on
 * sending old ones that nobody needs any more. */
static int64_t tls_until_ms(const struct http_call *call)
{
    static const char label[] = "Expire date:";
    struct curl_certinfo *chain = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_CERTINFO, &chain);
    bool any = chain && chain->num_of_certs > 0;
    for (const struct curl_slist *row = any ? chain->certinfo[0] : NULL; row; row = row->next) {
        if (strncmp(row->data, label, sizeof label - 1) == 0) {
            time_t at = curl_getdate(row->data + sizeof label - 1, NULL);
            return at > 0 ? (int64_t)at * 1000 : 0;
        }
    }
    return 0;
}

static void http_answer(const struct http_call *call, struct answer *answer)
{
    struct curl_header *date;
    if (curl_easy_header(call->easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK) {
        time_t at = curl_getdate(date->value, NULL);
        answer->date_ms = at > 0 ? (int64_t)at * 1000 : 0;
    }
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &answer->type);
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &answer->redirect);
}

void http_call_answer(struct http_call *call, CURLcode code, struct answer *answer)
{
    *answer = (struct answer){.fault = call->too_large ? FAULT_TOO_LARGE : fault_of(code)};
    long status = 0;
    curl_off_t total_us = 0;
    curl_off_t retry_s = 0;
    long request_bytes = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_s);
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    answer->status = (int)status;
    answer->latency_ms = (int)(total_us / 1000);
    retry_s = retry_s < 0 ? 0 : retry_s;
    answer->retry_after_ms = retry_s > HTTP_RETRY_AFTER_MS_MAX / 1000 ? HTTP_RETRY_AFTER_MS_MAX
                                                                      : (int64_t)retry_s * 1000;
    answer->sent = request_bytes > 0;
    if (call->mail) {
        mail_answer(call, code, answer);
    } else {
        http_answer(call, answer);
    }
    answer->type = answer->type ? answer->type : "";
    answer->redirect = answer->redirect ? answer->redirect : "";
    answer->tls = tls_of(call, code);
    answer->tls_until_ms = tls_until_ms(call);
    answer->body = buf_text(&call->answer);
    answer->len = call->answer.len;
    answer->headers = buf_text(&call->answer_headers);
    answer->at_ms = clock_wall_ms();
    answer->words = call->too_large    ? "the answer is larger than 1 MiB"
                    : *call->error     ? call->error
                    : code == CURLE_OK ? ""
                                       : curl_easy_strerror(code);
}

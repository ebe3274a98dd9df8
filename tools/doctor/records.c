#include "records.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TERM_CHARS_MAX = 512 };

/* --- SPF -------------------------------------------------------------------------------------- */

static const char spf_begin[] = "v=spf1";

bool spf_is(const char *text)
{
    size_t len = sizeof spf_begin - 1;
    return strncasecmp(text, spf_begin, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}

/* Are the first `bits` of both the same? */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* "192.0.2.0/24": 1 it holds the address, 0 it does not, -1 it is no network. */
static int network_holds(int family, const char *text, const char *wanted)
{
    char network[INET6_ADDRSTRLEN];
    uint8_t base[16], address[16];
    unsigned bits = family == AF_INET ? 32 : 128;
    size_t len = strcspn(text, "/");
    if (len >= sizeof network) {
        return -1;
    }
    memcpy(network, text, len);
    network[len] = '\0';
    if (text[len] == '/') {
        char *end;
        unsigned long given = strtoul(text + len + 1, &end, 10);
        if (!isdigit((unsigned char)text[len + 1]) || *end || given > bits) {
            return -1;
        }
        bits = (unsigned)given;
    }
    if (inet_pton(family, network, base) != 1) {
        return -1;
    }
    return inet_pton(family, wanted, address) == 1 && same_bits(base, address, bits);
}

struct spf {
    const struct spf_server *server;
    bool undecided; /* a mechanism so far would need a look-up */
    bool redirects;
};

enum term { TERM_MATCHES, TERM_PASSES_BY, TERM_ENDS, TERM_BROKEN };

/* Is `term` of this name: "mx", "mx:host", "mx/24"? *value is behind the colon, or "". */
static bool term_is(const char *term, const char *name, const char **value)
{
    size_t len = strlen(name);
    if (strncasecmp(term, name, len) != 0 || (term[len] && !strchr(":/", term[len]))) {
        return false;
    }
    *value = term[len] == ':' ? term + len + 1 : term + len;
    return true;
}

static enum term judge_network(const struct spf *spf, int family, const char *value)
{
    int holds = network_holds(family, value, spf->server->address);
    return holds < 0 ? TERM_BROKEN : holds ? TERM_MATCHES : TERM_PASSES_BY;
}

static enum term judge_term(struct spf *spf, const char *term)
{
    static const char *const lookups[] = {"a", "mx", "ptr", "exists"};
    const char *value;
    if (term_is(term, "all", &value)) {
        return *value ? TERM_BROKEN : TERM_ENDS;
    }
    if (term_is(term, "ip4", &value)) {
        return judge_network(spf, AF_INET, value);
    }
    if (term_is(term, "ip6", &value)) {
        return judge_network(spf, AF_INET6, value);
    }
    if (term_is(term, "include", &value)) {
        const char *include = spf->server->include;
        bool ours = *include && strcasecmp(value, include) == 0;
        spf->undecided = spf->undecided || !*include; /* a known provider's names itself */
        return !*value ? TERM_BROKEN : ours ? TERM_MATCHES : TERM_PASSES_BY;
    }
    if (term_is(term, "a", &value) && *value && strcasecmp(value, spf->server->host) == 0) {
        return TERM_MATCHES;
    }
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
        if (term_is(term, lookups[i], &value)) {
            spf->undecided = true;
            return TERM_PASSES_BY;
        }
    }
    size_t name = strspn(term, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (name > 0 && term[name] == '=') { /* a modifier; unknown ones are passed by */
        spf->redirects = spf->redirects || strncasecmp(term, "redirect=", 9) == 0;
        return TERM_PASSES_BY;
    }
    return TERM_BROKEN;
}

enum spf_verdict spf_judge(const char *record, const struct spf_server *server)
{
    struct spf spf = {server, false, false};
    enum spf_verdict verdict = SPF_UNDECIDED;
    bool decided = false;
    if (!spf_is(record)) {
        return SPF_BROKEN;
    }
    /* All of it is read, even when the answer is clear: one broken term breaks the record. */
    for (const char *at = record + sizeof spf_begin - 1; *at;) {
        char term[TERM_CHARS_MAX];
        at += strspn(at, " ");
        size_t len = strcspn(at, " ");
        if (len >= sizeof term) {
            return SPF_BROKEN;
        }
        memcpy(term, at, len);
        term[len] = '\0';
        at += len;
        bool qualified = *term && strchr("+-~?", *term);
        bool passes = !qualified || *term == '+';
        enum term judged = len == 0 ? TERM_PASSES_BY : judge_term(&spf, term + qualified);
        if (judged == TERM_BROKEN) {
            return SPF_BROKEN;
        }
        if (judged == TERM_PASSES_BY || decided) {
            continue;
        }
        decided = true;
        verdict = judged == TERM_ENDS && spf.undecided ? SPF_UNDECIDED
                  : passes                             ? SPF_NAMES
                                                       : SPF_REFUSES;
    }
    return decided ? verdict : spf.undecided || spf.redirects ? SPF_UNDECIDED : SPF_REFUSES;
}

bool spf_names_nobody(const char *record)
{
    const char *rest = spf_is(record) ? record + sizeof spf_begin - 1 : record;
    rest += strspn(rest, " ");
    size_t len = strcspn(rest, " ");
    return len == 0 || (len == 4 && strncasecmp(rest, "-all", 4) == 0) ||
           (len == 4 && strncasecmp(rest, "~all", 4) == 0);
}

void spf_add(const char *record, const char *mechanism, struct buf *out)
{
    if (record && spf_is(record)) {
        buf_printf(out, "%s %s%s", spf_begin, mechanism, record + sizeof spf_begin - 1);
    } else {
        buf_printf(out, "%s %s ~all", spf_begin, mechanism);
    }
}

/* --- tag lists -------------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool tag_value(const char *record, const char *tag, struct buf *out)
{
    size_t tag_len = strlen(tag);
    for (const char *at = record; *at;) {
        const char *end = at + strcspn(at, ";");
        while (at < end && blank(*at)) {
            at++;
        }
        const char *equals = memchr(at, '=', (size_t)(end - at));
        const char *name_end = equals ? equals : end;
        while (name_end > at && blank(name_end[-1])) {
            name_end--;
        }
        if (equals && (size_t)(name_end - at) == tag_len && memcmp(at, tag, tag_len) == 0) {
            for (const char *each = equals + 1; each < end; each++) {
                if (!blank(*each)) {
                    buf_add(out, each, 1);
                }
            }
            return true;
        }
        at = *end ? end + 1 : end;
    }
    return false;
}

/* v= is the first tag and says so; for a DKIM key it may be left out. */
static bool begins(const char *text, const char *version)
{
    struct buf value = {0};
    const char *first = text;
    while (blank(*first)) {
        first++;
    }
    bool is =
        *first == 'v' && tag_value(text, "v", &value) && strcmp(buf_text(&value), version) == 0;
    buf_fini(&value);
    return is;
}

bool dkim_is(const char *text)
{
    struct buf value = {0};
    bool versioned = tag_value(text, "v", &value);
    bool is = (!versioned || begins(text, "DKIM1")) && tag_value(text, "p", &value);
    buf_fini(&value);
    return is;
}

bool dmarc_is(const char *text)
{
    return begins(text, "DMARC1");
}

/* --- names ------------------------------------------------------------------------------------ */

const char *organisation_of(const char *domain)
{
    const char *label[3] = {domain, domain, domain}; /* where the last, last but one, ... begins */
    for (const char *at = domain; *at; at++) {
        if (*at == '.' && at[1]) {
            label[2] = label[1];
            label[1] = label[0];
            label[0] = at + 1;
        }
    }
    size_t top = strcspn(label[0], ".");
    size_t second = label[0] > label[1] ? (size_t)(label[0] - label[1] - 1) : 0;
    bool deep = top == 2 && second <= 3; /* co.uk, com.au */
    return deep ? label[2] : label[1];
}

bool domains_aligned(const char *a, const char *b, bool strict)
{
    return strcasecmp(a, b) == 0 ||
           (!strict && strcasecmp(organisation_of(a), organisation_of(b)) == 0);
}

bool domain_of_sender(const char *from, struct buf *out)
{
    const char *open = strrchr(from, '<');
    const char *at = strchr(open ? open : from, '@');
    size_t len =
        at ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "-._")
           : 0;
    for (size_t i = 0; i < len; i++) {
        char c = (char)tolower((unsigned char)at[1 + i]);
        buf_add(out, &c, 1);
    }
    return len > 0;
}

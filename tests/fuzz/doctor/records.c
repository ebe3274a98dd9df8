/* Whatever a domain publishes: every judgement is one of its kind, a mended SPF record is one, and
 * a tag's value has no white space. The input is the record's text. */
#include "records.h"

#include "must.h"
#include "secret_words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void try_spf(const char *text)
{
    static const struct spf_server servers[] = {{"192.0.2.7", "mail.club.test", ""},
                                                {"2001:db8::7", "", ""},
                                                {"", "smtp.gmail.com", "_spf.google.com"}};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        enum spf_verdict verdict = spf_judge(text, &servers[i]);
        MUST(verdict >= SPF_NAMES && verdict <= SPF_BROKEN);
        MUST(spf_is(text) || verdict == SPF_BROKEN);
        MUST(!spf_names_nobody(text) || verdict != SPF_NAMES);
    }
    struct buf mended = {0};
    spf_add(text, "ip4:192.0.2.7", &mended);
    MUST(spf_is(buf_text(&mended)));
    enum spf_verdict verdict = spf_judge(buf_text(&mended), &servers[0]);
    MUST(verdict == SPF_NAMES || verdict == SPF_BROKEN);
    buf_fini(&mended);
}

static void try_tags(const char *text)
{
    static const char *const tags[] = {"v", "p", "k", ""};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct buf value = {0};
        bool there = tag_value(text, tags[i], &value);
        MUST(there || value.len == 0);
        MUST(strcspn(buf_text(&value), " \t\r\n;") == value.len);
        buf_fini(&value);
    }
    MUST(!(spf_is(text) && dmarc_is(text)));
    MUST(!dkim_is(text) || !dmarc_is(text));
}

static void try_names(const char *text)
{
    const char *organisation = organisation_of(text);
    MUST(organisation >= text && organisation <= text + strlen(text));
    MUST(domains_aligned(text, text, true) && domains_aligned(text, organisation, false));
    struct buf domain = {0};
    MUST(domain_of_sender(text, &domain) == (domain.len > 0));
    buf_fini(&domain);
    MUST(!secret_is_written("crm/url", text) || *text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = must_malloc(len + 1); /* of its own, so that one byte too far is seen */
    memcpy(text, bytes, len);
    text[len] = '\0';
    try_spf(text);
    try_tags(text);
    try_names(text);
    free(text);
    return 0;
}

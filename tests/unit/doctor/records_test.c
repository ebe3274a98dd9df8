/* records_test.c - SPF, DKIM and DMARC records as tables. */
#include "../test.h"

#include "records.h"

static void spf_speaks_of_a_server(void **state)
{
    (void)state;
    static const struct spf_server here = {"192.0.2.7", "mail.club.test", ""};
    static const struct spf_server six = {"2001:db8::7", "mail.club.test", ""};
    static const struct spf_server google = {"", "smtp.gmail.com", "_spf.google.com"};
    static const struct spf_server unknown = {"", "mail.club.test", ""};
    static const struct {
        const char *record;
        const struct spf_server *server;
        enum spf_verdict verdict;
    } rows[] = {
        {"v=spf1 ip4:192.0.2.7 -all", &here, SPF_NAMES},
        {"v=spf1 ip4:192.0.2.0/24 -all", &here, SPF_NAMES},
        {"v=spf1 ip4:192.0.2.0/29 -all", &here, SPF_NAMES},
        {"v=spf1 ip4:192.0.2.8/29 -all", &here, SPF_REFUSES},
        {"v=spf1 ip4:192.0.2.8/0 -all", &here, SPF_NAMES},
        {"v=spf1 ip4:198.51.100.1 ~all", &here, SPF_REFUSES},
        {"v=spf1 ip6:2001:db8::/32 -all", &six, SPF_NAMES},
        {"v=spf1 ip6:2001:db9::/32 -all", &six, SPF_REFUSES},
        {"v=spf1 ip4:192.0.2.7 -all", &six, SPF_REFUSES},
        {"V=SPF1 IP4:192.0.2.7 -ALL", &here, SPF_NAMES},
        {"v=spf1   ip4:192.0.2.7   -all ", &here, SPF_NAMES},
        {"v=spf1 -ip4:192.0.2.7 +all", &here, SPF_REFUSES},
        {"v=spf1 ~ip4:192.0.2.7 ip4:192.0.2.7 -all", &here, SPF_REFUSES},
        {"v=spf1 -all", &here, SPF_REFUSES},
        {"v=spf1 ~all", &here, SPF_REFUSES},
        {"v=spf1", &here, SPF_REFUSES},
        {"v=spf1 all", &here, SPF_NAMES},
        {"v=spf1 +all", &unknown, SPF_NAMES},
        {"v=spf1 a:mail.club.test -all", &here, SPF_NAMES},
        {"v=spf1 a:MAIL.club.test -all", &unknown, SPF_NAMES},
        {"v=spf1 a:other.club.test -all", &here, SPF_UNDECIDED},
        {"v=spf1 mx -all", &here, SPF_UNDECIDED},
        {"v=spf1 mx/24 a/24 ip4:192.0.2.7 -all", &here, SPF_NAMES},
        {"v=spf1 include:_spf.google.com -all", &here, SPF_UNDECIDED},
        {"v=spf1 include:_spf.google.com -all", &google, SPF_NAMES},
        {"v=spf1 include:_SPF.Google.com ~all", &google, SPF_NAMES},
        {"v=spf1 include:sendgrid.net -all", &google, SPF_REFUSES},
        {"v=spf1 ip4:192.0.2.7 -all", &google, SPF_REFUSES},
        {"v=spf1 ip4:192.0.2.8 redirect=_spf.club.test", &here, SPF_UNDECIDED},
        {"v=spf1 exists:%{i}.club.test -all", &here, SPF_UNDECIDED},
        {"v=spf1 exp=why.club.test -all", &here, SPF_REFUSES},
        {"v=spf1 ip4:192.0.2.7 -all nonsense", &here, SPF_BROKEN},
        {"v=spf1 ip4: -all", &here, SPF_BROKEN},
        {"v=spf1 ip4:192.0.2.7/33 -all", &here, SPF_BROKEN},
        {"v=spf1 ip4:192.0.2.7/-1 -all", &here, SPF_BROKEN},
        {"v=spf1 ip4:192.0.2.7/ -all", &here, SPF_BROKEN},
        {"v=spf1 ip4:192.0.2.300 -all", &here, SPF_BROKEN},
        {"v=spf1 ip6:192.0.2.7 -all", &here, SPF_BROKEN},
        {"v=spf1 include: -all", &google, SPF_BROKEN},
        {"v=spf1 all:x", &here, SPF_BROKEN},
        {"v=spf10 ip4:192.0.2.7 -all", &here, SPF_BROKEN},
        {"", &here, SPF_BROKEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum spf_verdict verdict = spf_judge(rows[i].record, rows[i].server);
        if (verdict != rows[i].verdict) {
            fail_msg("%s at %s: %d", rows[i].record, rows[i].server->host, (int)verdict);
        }
    }
    assert_true(spf_names_nobody("v=spf1 -all") && spf_names_nobody("v=spf1  ~all"));
    assert_false(spf_names_nobody("v=spf1 mx -all") || spf_names_nobody("v=spf1 +all"));
}

static void spf_is_mended(void **state)
{
    (void)state;
    static const struct {
        const char *record, *mechanism, *mended;
    } rows[] = {
        {NULL, "a:mail.club.test", "v=spf1 a:mail.club.test ~all"},
        {"v=spf1 -all", "a:mail.club.test", "v=spf1 a:mail.club.test -all"},
        {"V=spf1 mx include:x.test ~all", "ip4:192.0.2.7",
         "v=spf1 ip4:192.0.2.7 mx include:x.test ~all"},
        {"something else", "a:m.test", "v=spf1 a:m.test ~all"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        spf_add(rows[i].record, rows[i].mechanism, &out);
        assert_string_equal(buf_text(&out), rows[i].mended);
        buf_fini(&out);
    }
}

static void tags_have_values(void **state)
{
    (void)state;
    static const struct {
        const char *record, *tag, *value; /* NULL: not there */
    } rows[] = {
        {"v=DKIM1; k=rsa; p=AB CD\t EF", "p", "ABCDEF"},
        {"v=DKIM1;p=;", "p", ""},
        {" p = A = B ; q=1", "p", "A=B"},
        {"pp=1; p=2", "p", "2"},
        {"P=1", "p", NULL},
        {"p", "p", NULL},
        {"", "p", NULL},
        {";;;", "p", NULL},
        {"=x; p=1", "p", "1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf value = {0};
        bool there = tag_value(rows[i].record, rows[i].tag, &value);
        assert_int_equal(there, rows[i].value != NULL);
        assert_string_equal(buf_text(&value), rows[i].value ? rows[i].value : "");
        buf_fini(&value);
    }
}

static void records_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool spf, dkim, dmarc;
    } rows[] = {
        {"v=spf1 -all", true, false, false},
        {"v=spf1", true, false, false},
        {"v=spf2.0/pra", false, false, false},
        {"v=DKIM1; p=AB", false, true, false},
        {"p=AB", false, true, false},
        {"k=rsa; p=AB", false, true, false},
        {"v=DKIM2; p=AB", false, false, false},
        {"v=DKIM1; k=rsa", false, false, false},
        {"v=DMARC1; p=none", false, false, true},
        {" v = DMARC1 ; p=reject", false, false, true},
        {"p=none; v=DMARC1", false, false, false},
        {"v=DMARC1x; p=none", false, false, false},
        {"some-site-verification=abc", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (spf_is(rows[i].text) != rows[i].spf || dkim_is(rows[i].text) != rows[i].dkim ||
            dmarc_is(rows[i].text) != rows[i].dmarc) {
            fail_msg("%s", rows[i].text);
        }
    }
}

static void domains_align(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool relaxed, strict;
    } rows[] = {
        {"club.test", "club.test", true, true},
        {"Club.test", "club.TEST", true, true},
        {"news.club.test", "club.test", true, false},
        {"news.club.test", "mail.club.test", true, false},
        {"club.test", "other.test", false, false},
        {"myclub.test", "club.test", false, false},
        {"club.co.uk", "other.co.uk", false, false},
        {"mail.club.co.uk", "club.co.uk", true, false},
        {"localhost", "localhost", true, true},
        {"", "", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (domains_aligned(rows[i].a, rows[i].b, false) != rows[i].relaxed ||
            domains_aligned(rows[i].a, rows[i].b, true) != rows[i].strict) {
            fail_msg("%s %s", rows[i].a, rows[i].b);
        }
    }
    assert_string_equal(organisation_of("a.b.club.test"), "club.test");
    assert_string_equal(organisation_of("a.b.club.co.uk"), "club.co.uk");
    assert_string_equal(organisation_of("club.test"), "club.test");
    assert_string_equal(organisation_of("test"), "test");
    assert_string_equal(organisation_of("co.uk"), "co.uk");
}

static void senders_have_domains(void **state)
{
    (void)state;
    static const struct {
        const char *from, *domain; /* NULL: none */
    } rows[] = {
        {"Club <hello@Club.test>", "club.test"},
        {"hello@club.test", "club.test"},
        {"\"a <b@c.test>\" <hello@club.test>", "club.test"},
        {"Club <hello>", NULL},
        {"hello@", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf domain = {0};
        assert_int_equal(domain_of_sender(rows[i].from, &domain), rows[i].domain != NULL);
        assert_string_equal(buf_text(&domain), rows[i].domain ? rows[i].domain : "");
        buf_fini(&domain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spf_speaks_of_a_server), cmocka_unit_test(spf_is_mended),
        cmocka_unit_test(tags_have_values),       cmocka_unit_test(records_are_told_apart),
        cmocka_unit_test(domains_align),          cmocka_unit_test(senders_have_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

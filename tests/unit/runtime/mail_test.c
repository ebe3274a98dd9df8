/* mail_test.c - the mail builder: what the standards want, and that nothing can be injected. */
#include "../test.h"

#include "digest.h"
#include "mail.h"

static const struct mail plain = {.from_name = "Community",
                                  .from = "hello@example.com",
                                  .to_name = "Ada Lovelace",
                                  .to = "ada@example.org",
                                  .subject = "Welcome",
                                  .message_id = "0123abcd@example.com",
                                  .date_ms = 1795430400000,
                                  .text = "Hello Ada,\n\nwelcome.\n",
                                  .html = NULL};

static char *built(const struct mail *mail)
{
    struct buf out = {0};
    assert_int_equal(mail_build(mail, &out), OK);
    char *text = strdup(buf_text(&out));
    buf_fini(&out);
    return text;
}

static void plain_text_byte_for_byte(void **state)
{
    (void)state;
    char *text = built(&plain);
    assert_string_equal(text, "Date: Mon, 23 Nov 2026 10:40:00 +0000\r\n"
                              "From: \"Community\"\r\n <hello@example.com>\r\n"
                              "To: \"Ada Lovelace\"\r\n <ada@example.org>\r\n"
                              "Subject: Welcome\r\n"
                              "Message-ID: <0123abcd@example.com>\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "Hello Ada,\r\n\r\nwelcome.\r\n");
    free(text);
}

static void words_that_are_not_ascii(void **state)
{
    (void)state;
    struct mail mail = plain;
    mail.subject = "Willkommen, Zo\xc3\xab! Sch\xc3\xb6n, dass du hier bist, wir freuen uns sehr";
    mail.to_name = "Zo\xc3\xab \"Z\" M\xc3\xbcller";
    mail.text = "Gr\xc3\xbc\xc3\x9f"
                "e = hi \n.\nFrom me\n";
    char *text = built(&mail);
    assert_non_null(strstr(text, "Subject: =?UTF-8?B?"));
    assert_non_null(strstr(text, "?=\r\n =?UTF-8?B?"));
    assert_non_null(strstr(text, "Gr=C3=BC=C3=9Fe =3D hi=20\r\n=2E\r\n=46rom me\r\n"));
    free(text);
}

static void lines_are_short(void **state)
{
    (void)state;
    struct mail mail = plain;
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t i = 37; i < sizeof long_text - 1; i += 41) {
        long_text[i] = i % 2 ? '=' : ' ';
    }
    mail.text = long_text;
    mail.html = long_text;
    char subject[400];
    memset(subject, 'y', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    mail.subject = subject;
    char *text = built(&mail);
    for (char *line = text; *line;) {
        char *end = strstr(line, "\r\n");
        assert_non_null(end);
        assert_in_range(end - line, 0, 76);
        line = end + 2;
    }
    free(text);
}

static void two_parts_with_a_boundary_that_no_text_can_hold(void **state)
{
    (void)state;
    struct mail mail = plain;
    mail.html = "<p>--=_usher_</p>";
    char *text = built(&mail);
    assert_non_null(strstr(text, "multipart/alternative;\r\n boundary=\"=_usher_"));
    assert_non_null(strstr(text, "<p>--=3D_usher_</p>"));
    char *plain_part = strstr(text, "text/plain");
    char *html_part = strstr(text, "text/html");
    assert_true(plain_part && html_part && plain_part < html_part);
    free(text);
}

static void equal_input_gives_equal_bytes(void **state)
{
    (void)state;
    char *one = built(&plain);
    char *two = built(&plain);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

static void the_fields_of_one_click(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://a.b/c>",       "https://a.b/\r\nBcc: x@y.z",
                                      "https://a.b/ c",       "https://a.b/\"",
                                      "https://a.b/\xc3\xab", "<https://a.b/"};
    char endless[1000];
    struct mail mail = plain;
    struct buf out = {0};
    mail.unsubscribe = "https://hooks.example.com/api/unsubscribe/0123";
    assert_int_equal(mail_build(&mail, &out), OK);
    assert_non_null(strstr(buf_text(&out),
                           "\r\nList-Unsubscribe: <https://hooks.example.com/api/unsubscribe/0123>"
                           "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    buf_reset(&out);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mail.unsubscribe = bad[i];
        assert_int_equal(mail_build(&mail, &out), FAULT_MALFORMED);
    }
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    mail.unsubscribe = endless;
    assert_int_equal(mail_build(&mail, &out), FAULT_MALFORMED);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

static void addresses(void **state)
{
    (void)state;
    const char *const good[] = {"a@b.c", "ada.lovelace+x@example.co.uk", "o'hara@example.com",
                                "hello@localhost"};
    const char *const bad[] = {"",
                               "a",
                               "@b",
                               "a@",
                               "a@@b",
                               "a b@c.d",
                               "a@b c",
                               "a@b\r\nRCPT TO:<x@y>",
                               "a\n@b.c",
                               "<a@b.c>",
                               "a@b.c>",
                               "a,b@c.d",
                               "a@b.c,d@e.f",
                               ".a@b.c",
                               "a.@b.c",
                               "a..b@c.d",
                               "a@.b",
                               "a@-b",
                               "-a@b.c",
                               "a@b;c",
                               "\"a b\"@c.d",
                               "zo\xc3\xab@example.com",
                               "a@b\x7f.c",
                               "a(x)@b.c",
                               "a:b@c.d"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(mail_address_good(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (mail_address_good(bad[i])) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

static void sender_is_split(void **state)
{
    (void)state;
    char name[64];
    char address[64];
    assert_true(mail_split("Community <hello@example.com>", name, 64, address, 64));
    assert_string_equal(name, "Community");
    assert_string_equal(address, "hello@example.com");
    assert_true(mail_split("\"A, B\" <x@y.z>", name, 64, address, 64));
    assert_string_equal(name, "A, B");
    assert_true(mail_split("x@y.z", name, 64, address, 64));
    assert_string_equal(name, "");
    assert_false(mail_split("x@y.z>", name, 64, address, 64));
    assert_false(mail_split("A <x@y.z> B", name, 64, address, 64));
    assert_false(mail_split("A\nB <x@y.z>", name, 64, address, 64));
    assert_false(mail_split("A <>", name, 64, address, 64));
}

/* --- injection: whatever stands in any value, the headers are those that were asked for ---------- */

static uint64_t dice_state = 4711;

static uint64_t dice(void)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return dice_state;
}

static void hostile(char *text, size_t room)
{
    static const char *const bits[] = {"\r\n",       "\n",       "\r",        "Bcc: x@y.z",
                                       ":",          "\r\n\r\n", "\r\n.\r\n", "=?UTF-8?B?DQo=?=",
                                       "Ada",        " ",        "\"",        "\\",
                                       "<",          ">",        "@",         "\xc3\xab",
                                       "\xc3",       "\x01",     "\t",        "example.com",
                                       "--=_usher_", ",",        ";",         "=0D=0A"};
    size_t used = 0;
    for (uint64_t i = dice() % 8; i > 0; i--) {
        const char *bit = bits[dice() % (sizeof bits / sizeof *bits)];
        used += (size_t)snprintf(text + used, room - used, "%s", bit);
        if (used >= room) {
            used = room - 1;
        }
    }
    text[used] = '\0';
}

static void check_headers(const char *text)
{
    static const char *const names[] = {
        "Date: ",           "From: ",         "To: ",
        "Subject: ",        "Message-ID: ",   "MIME-Version: ",
        "Auto-Submitted: ", "Content-Type: ", "Content-Transfer-Encoding: "};
    size_t at = 0;
    const char *line = text;
    while (strncmp(line, "\r\n", 2) != 0) {
        const char *end = strstr(line, "\r\n");
        assert_non_null(end);
        for (const char *c = line; c < end; c++) {
            assert_true((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f);
        }
        if (*line != ' ') {
            while (at < 9 && strncmp(line, names[at], strlen(names[at])) != 0) {
                at++;
            }
            assert_true(at < 9); /* each at most once, in this order, and no other */
            at++;
        }
        line = end + 2;
    }
    /* no bare CR or LF, and no dot alone, in the body */
    for (const char *c = line; *c; c++) {
        assert_true(*c != '\r' || c[1] == '\n');
        assert_true(*c != '\n' || c[-1] == '\r');
    }
    assert_null(strstr(line, "\r\n.\r\n"));
}

static void nothing_can_be_injected(void **state)
{
    (void)state;
    int taken = 0;
    for (int round = 0; round < 200000; round++) {
        char values[6][256];
        struct mail mail = plain;
        for (int i = 0; i < 6; i++) {
            hostile(values[i], sizeof values[i]);
        }
        uint64_t which = dice() % 128;
        mail.subject = which & 1 ? values[0] : plain.subject;
        mail.to_name = which & 2 ? values[1] : plain.to_name;
        mail.to = which & 4 ? values[2] : plain.to;
        mail.from_name = which & 8 ? values[3] : plain.from_name;
        mail.text = which & 16 ? values[4] : plain.text;
        mail.html = which & 32 ? values[5] : NULL;
        mail.message_id = which & 64 ? values[2] : plain.message_id;
        struct buf out = {0};
        if (mail_build(&mail, &out) == OK) {
            taken++;
            check_headers(buf_text(&out));
        }
        buf_fini(&out);
    }
    assert_in_range(taken, 5000, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_byte_for_byte),
        cmocka_unit_test(words_that_are_not_ascii),
        cmocka_unit_test(lines_are_short),
        cmocka_unit_test(two_parts_with_a_boundary_that_no_text_can_hold),
        cmocka_unit_test(equal_input_gives_equal_bytes),
        cmocka_unit_test(the_fields_of_one_click),
        cmocka_unit_test(addresses),
        cmocka_unit_test(sender_is_split),
        cmocka_unit_test(nothing_can_be_injected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

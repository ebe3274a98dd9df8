/* dns_test.c - TXT answers as bytes. */
#include "../test.h"

#include "buf.h"
#include "dns.h"

#include <stdbool.h>

/* One answer: header, the question "a. TXT", and `count` records. */
static void begin(struct buf *packet, unsigned count)
{
    const uint8_t head[] = {0, 1,   0x81, 0x80, 0,  1, 0, (uint8_t)count, 0, 0, 0, 0,
                            1, 'a', 0,    0,    16, 0, 1};
    buf_reset(packet);
    buf_add(packet, head, sizeof head);
}

static void add_record(struct buf *packet, size_t strings, const char *text, size_t len)
{
    size_t all = strings * (len + 1);
    const uint8_t head[] = {0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, (uint8_t)(all >> 8), (uint8_t)all};
    uint8_t chars = (uint8_t)len;
    buf_add(packet, head, sizeof head);
    for (size_t i = 0; i < strings; i++) {
        buf_add(packet, &chars, 1);
        buf_add(packet, text, len);
    }
}

struct heard {
    enum dns_answer answer;
    size_t times, count;
    char first[DNS_TEXT_BYTES_MAX + 1];
};

static void hear(void *self, enum dns_answer answer, const char *const *texts, size_t count)
{
    struct heard *heard = self;
    heard->times++;
    heard->answer = answer;
    heard->count = count;
    snprintf(heard->first, sizeof heard->first, "%s", count > 0 ? texts[0] : "");
}

static struct heard read_packet(const struct buf *packet)
{
    struct heard heard = {0};
    enum dns_answer answer = dns_read(packet->bytes, (int)packet->len, hear, &heard);
    assert_int_equal(heard.times, 1);
    assert_int_equal(answer, heard.answer);
    return heard;
}

static void records_are_joined(void **state)
{
    (void)state;
    struct buf packet = {0};
    begin(&packet, 2);
    add_record(&packet, 3, "v=DKIM", 6);
    add_record(&packet, 1, "other", 5);
    struct heard heard = read_packet(&packet);
    assert_int_equal(heard.answer, DNS_FOUND);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.first, "v=DKIMv=DKIMv=DKIM");
    buf_fini(&packet);
}

static void what_cannot_be_text_is_left_out(void **state)
{
    (void)state;
    char long_text[200];
    struct buf packet = {0};
    memset(long_text, 'x', sizeof long_text);
    begin(&packet, 3);
    add_record(&packet, 1, "a\0b", 3);
    add_record(&packet, DNS_TEXT_BYTES_MAX / 200 + 1, long_text, sizeof long_text);
    add_record(&packet, 1, "good", 4);
    struct heard heard = read_packet(&packet);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.first, "good");
    begin(&packet, 1);
    add_record(&packet, 1, "a\0b", 3);
    assert_int_equal(read_packet(&packet).answer, DNS_NOTHING);
    begin(&packet, 100);
    for (int i = 0; i < 100; i++) {
        add_record(&packet, 1, "many", 4);
    }
    assert_int_equal(read_packet(&packet).count, DNS_TEXTS_MAX);
    buf_fini(&packet);
}

static void answers_that_are_none(void **state)
{
    (void)state;
    struct buf packet = {0};
    begin(&packet, 0);
    assert_int_equal(read_packet(&packet).answer, DNS_NOTHING);
    begin(&packet, 1);
    add_record(&packet, 1, "cut off", 7);
    for (size_t len = packet.len - 1; len > 0; len--) {
        packet.len = len;
        assert_int_equal(read_packet(&packet).answer, DNS_SILENT);
    }
    buf_fini(&packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_joined),
        cmocka_unit_test(what_cannot_be_text_is_left_out),
        cmocka_unit_test(answers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

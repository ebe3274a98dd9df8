/* dkim.c - any bytes as a message: refused, or given one signature field that leaves it a message;
 * the same bytes as a key and as a DNS record. */
#include "dkim.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct dkim_key *the_key(void)
{
    static struct dkim_key *key = NULL;
    if (!key) {
        key = dkim_key_make(DKIM_ED25519);
    }
    return key;
}

static void sign(const char *message)
{
    struct dkim_signer signer = {"example.com", "s", the_key()};
    struct buf field = {0};
    struct buf again = {0};
    if (dkim_sign(&signer, dkim_fields, message, 1, &field) == OK) {
        const char *text = buf_text(&field);
        MUST(strncmp(text, "DKIM-Signature: v=1;", 20) == 0);
        MUST(strcmp(text + field.len - 2, "\r\n") == 0);
        for (const char *at = strstr(text, "\r\n"); at[2]; at = strstr(at + 2, "\r\n")) {
            MUST(at[2] == ' '); /* one field: each further line goes on with it */
        }
        buf_add_text(&field, message);
        MUST(dkim_sign(&signer, dkim_fields, buf_text(&field), 1, &again) == OK);
        /* the field of the first signature is none of those signed: the second says the same */
        MUST(again.len + strlen(message) == field.len &&
             memcmp(again.bytes, field.bytes, again.len) == 0);
    } else {
        MUST(field.len == 0);
    }
    buf_fini(&field);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf text = {0};
    struct buf why = {0};
    struct dkim_key *key = NULL;
    buf_add(&text, bytes, len);
    sign(buf_text(&text));
    (void)dkim_record_fits(the_key(), buf_text(&text));
    (void)dkim_name_good(buf_text(&text));
    if (dkim_key_read(DKIM_RSA, buf_text(&text), &key, &why) != OK) {
        MUST(why.len > 0 && !key);
    }
    dkim_key_destroy(&key);
    buf_fini(&text);
    buf_fini(&why);
    return 0;
}

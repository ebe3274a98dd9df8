/* translation.h - what holds of every translation, whatever the body: its texts are whole and
 * bounded, its facts can be read back from the msgpack that carries them, its type is in the table. */
#ifndef USHER_FUZZ_TRANSLATION_H
#define USHER_FUZZ_TRANSLATION_H

#include "provider.h"

#include "events.h"
#include "must.h"
#include "values.h"

#include <string.h>

static inline size_t fuzz_headers(const struct post *post, const char *name, const char **values,
                                  size_t room)
{
    (void)post;
    if (room > 0) {
        values[0] = name;
    }
    return 1;
}

static inline void check_translation(const struct translation *out)
{
    static struct buf packed;
    MUST(event_type_find(out->type));
    MUST(*out->id && strlen(out->id) <= TRANSLATION_ID_CHARS_MAX);
    MUST(out->fact_count <= FACTS_MAX);
    MUST((strcmp(out->type, "provider.ignored") == 0) == (*out->ignored != '\0'));
    for (size_t f = 0; f < out->fact_count; f++) {
        buf_reset(&packed);
        fact_pack(&out->facts[f], &packed);
        json_t *tree = NULL;
        struct fact fact;
        MUST(value_unpack(packed.bytes, packed.len, &tree) == OK);
        MUST(fact_read(tree, &fact) == OK);
        json_decref(tree);
    }
}

/* In each mode, with products and without. */
static inline void check_body(const struct provider *provider, const void *own,
                              const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    const struct provider_rules choices[] = {
        {.products = "", .app_user_keys = "user_id app_user userId", .own = own},
        {.products = "prod_club pro_club 21 0d01", .app_user_keys = "user_id", .own = own},
        {.live = true, .products = "", .app_user_keys = "", .own = own},
    };
    const struct post post = {.body = {bytes, len}, .headers = fuzz_headers};
    if (tape_parse(&tape, bytes, len) != OK) {
        return;
    }
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        static struct translation out;
        if (provider->translate(&post, &tape, &choices[i], &out) == OK) {
            check_translation(&out);
        }
    }
}

#endif

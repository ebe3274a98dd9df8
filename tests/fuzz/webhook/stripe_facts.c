/* Whatever JSON: no event, or a translation whose every text is whole and bounded, whose facts can
 * be read back from the msgpack that carries them, and whose type is in the table. */
#include "stripe_facts.h"

#include "events.h"
#include "must.h"
#include "values.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    static struct buf packed;
    static const struct provider_rules choices[] = {
        {.products = "", .app_user_keys = "user_id app_user userId"},
        {.products = "prod_club", .app_user_keys = "user_id"},
        {.live = true, .products = "", .app_user_keys = ""},
    };
    if (tape_parse(&tape, bytes, len) != OK) {
        return 0;
    }
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct translation out;
        if (stripe_facts(&tape, &choices[i], &out) != OK) {
            continue;
        }
        MUST(event_type_find(out.type));
        MUST(*out.id && strlen(out.id) < EVENT_ID_BYTES_MAX - 16);
        MUST(out.fact_count <= FACTS_MAX);
        MUST((strcmp(out.type, "provider.ignored") == 0) == (*out.ignored != '\0'));
        for (size_t f = 0; f < out.fact_count; f++) {
            buf_reset(&packed);
            fact_pack(&out.facts[f], &packed);
            json_t *tree = NULL;
            struct fact fact;
            MUST(value_unpack(packed.bytes, packed.len, &tree) == OK);
            MUST(fact_read(tree, &fact) == OK);
            json_decref(tree);
        }
    }
    return 0;
}

/* seller_stripe.c - Stripe, as `usher trigger` tells of it. */
#include "seller.h"

#include "must.h"
#include "stripe_bodies.h"
#include "values.h"

#include <string.h>

static void sign(const char *secret, int64_t now_s, struct slice body, struct buf *value)
{
    stripe_sign(secret, now_s, body.bytes, body.len, value);
}

static int tell(const struct sale *sale, json_t *events)
{
    const struct stripe_story *story = stripe_story_find(sale->word);
    struct stripe_case at = stripe_case_default(sale->email, sale->at_s);
    MUST(story);
    at.name = sale->name;
    if (strncmp(sale->product, "price_", 6) == 0) {
        at.price = sale->product;
    } else if (*sale->product) {
        at.product = sale->product;
    }
    stripe_story_tell(story, &at, events);
    for (size_t i = 0; i < json_array_size(events); i++) {
        if (strcmp(tree_text(json_array_get(events, i), "type"), story->main_type) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct seller seller_stripe = {
    .provider = "stripe", .header = "Stripe-Signature", .sign = sign, .tell = tell};

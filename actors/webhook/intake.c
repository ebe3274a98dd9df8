#include "intake.h"

#include "values.h"

#include <stdio.h>

static void put_text(struct buf *data, const char *name, const char *text)
{
    value_put_text(data, name);
    value_put_text(data, text);
}

static void pack_data(const struct intake *intake, struct buf *data)
{
    const struct translation *translation = intake->translation;
    bool ignored = *translation->ignored, asked = *intake->reason;
    buf_reset(data);
    value_put_map(data, 5 + (ignored ? 1 : 0) + (asked ? 1 : 0));
    value_put_text(data, "created");
    value_put_int(data, translation->created_s);
    value_put_text(data, "facts");
    value_put_array(data, translation->fact_count);
    for (size_t i = 0; i < translation->fact_count; i++) {
        fact_pack(&translation->facts[i], data);
    }
    if (ignored) {
        put_text(data, "ignored", translation->ignored);
    }
    value_put_text(data, "livemode");
    value_put_flag(data, translation->livemode);
    put_text(data, "provider_type", translation->provider_type);
    value_put_text(data, "raw");
    value_put_string(data, intake->raw.bytes, intake->raw.len);
    if (asked) {
        put_text(data, "reason", intake->reason);
    }
}

void intake_pack(const struct intake *intake, char id[EVENT_ID_BYTES_MAX + 1], struct buf *data,
                 struct buf *packed)
{
    struct event event = {.time_ms = intake->at_ms, .version = EVENT_VERSION};
    snprintf(event.id, sizeof event.id, "%s:%s", intake->source, intake->translation->id);
    snprintf(id, EVENT_ID_BYTES_MAX + 1, "%s", event.id);
    EVENT_SET(event.type, intake->translation->type);
    EVENT_SET(event.trace, event.id);
    pack_data(intake, data);
    event.data = data->bytes;
    event.data_len = data->len;
    buf_reset(packed);
    event_pack(&event, packed);
}

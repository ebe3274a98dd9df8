#include "stripe_read.h"

int64_t read_ms(const struct reader *reader, uint32_t at)
{
    return usable_ms(tape_int(reader->tape, at));
}

int64_t read_ms_path(const struct reader *reader, const char *path)
{
    return read_ms(reader, tape_path(reader->tape, reader->object, path));
}

void see_price(struct reader *reader, uint32_t price)
{
    see(reader, read_id(reader, price));
    see(reader, read_id(reader, tape_get(reader->tape, price, "product")));
}

void see_metadata(struct reader *reader, const char *metadata_path)
{
    uint32_t metadata = tape_path(reader->tape, reader->object, metadata_path);
    see(reader, read_id(reader, tape_get(reader->tape, metadata, "product")));
    see(reader, read_id(reader, tape_get(reader->tape, metadata, "price")));
}

void see_lines(struct reader *reader, const char *list_path)
{
    const struct tape *tape = reader->tape;
    uint32_t list = tape_path(tape, reader->object, list_path);
    uint32_t lines = tape_get(tape, list, "data");
    for (uint32_t line = tape_first(tape, lines); line; line = tape_next(tape, lines, line)) {
        see_price(reader, tape_get(tape, line, "price"));
        see_price(reader, tape_get(tape, line, "plan"));
        see_price(reader, tape_path(tape, line, "pricing.price_details.price"));
        see(reader, read_id(reader, tape_path(tape, line, "pricing.price_details.product")));
    }
}

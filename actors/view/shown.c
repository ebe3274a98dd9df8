#include "shown.h"

#include "clock.h"

json_t *shown_time(int64_t ms)
{
    char text[CLOCK_TEXT_BYTES];
    return ms ? json_string(clock_rfc3339(ms, text)) : json_null();
}

json_t *shown_text(const char *text)
{
    json_t *shown = *text ? json_string(text) : NULL;
    return shown ? shown : json_null();
}

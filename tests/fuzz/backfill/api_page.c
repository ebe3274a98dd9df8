/* Whatever answer: no page, or items that lie within its bytes, are objects by themselves and can be
 * put into an event's envelope, and a cursor that can be sent. */
#include "api_page.h"
#include "must.h"
#include "objects.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct tape tape;
    static struct buf body;
    struct api_page page;
    if (api_page_read(&tape, (const char *)bytes, len, &page) != OK) {
        return 0;
    }
    MUST(page.count <= API_PAGE_ITEMS_MAX);
    MUST(page.count == 0 ? !page.has_more && !*page.last : api_is_id(page.last));
    for (size_t i = 0; i < page.count; i++) {
        struct slice item = page.items[i];
        MUST((const uint8_t *)item.bytes >= bytes &&
             (const uint8_t *)item.bytes + item.len <= bytes + len);
        MUST(tape_parse(&tape, item.bytes, item.len) == OK);
        MUST(tape_kind(&tape, TAPE_ROOT) == TAPE_OBJECT);
        const char *type = object_type(&tape);
        if (type) {
            struct envelope envelope = {"a", type, object_time(&tape), false, item};
            object_envelope(&envelope, &tape, &body);
            enum fault fault = tape_parse(&tape, body.bytes, body.len);
            MUST(fault == OK || fault == FAULT_TOO_LARGE);
        }
    }
    return 0;
}

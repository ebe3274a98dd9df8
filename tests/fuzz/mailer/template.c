/* template.c - any bytes as a template (text, NUL, HTML): refused with a line, or rendered. Then the
 * same bytes as the values of a mail: refused, or without a header of their own. */
#include "mail.h"
#include "must.h"
#include "template.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void render(const struct template *template)
{
    json_t *values = json_pack("{s:s, s:s}", "name", "<Ada>\r\n", "amount", "29.00 USD");
    struct buf out = {0};
    if (template_render(template, TEMPLATE_SUBJECT, values, &out) == OK) {
        MUST(!memchr(out.bytes ? out.bytes : (uint8_t *)"", '\n', out.len));
    }
    (void)!template_render(template, TEMPLATE_TEXT, values, &out);
    if (template->html) {
        (void)!template_render(template, TEMPLATE_HTML, values, &out);
    }
    buf_fini(&out);
    json_decref(values);
}

static void mail(const char *value)
{
    struct mail mail = {.from_name = value,
                        .from = "a@b.c",
                        .to_name = value,
                        .to = "d@e.f",
                        .subject = value,
                        .message_id = "x@b.c",
                        .text = value,
                        .html = value};
    struct buf out = {0};
    if (mail_build(&mail, &out) == OK) {
        const char *text = buf_text(&out);
        const char *body = strstr(text, "\r\n\r\n");
        const char *bcc = strstr(text, "\r\nBcc:");
        MUST(body && (!bcc || bcc > body));
        MUST(!strstr(text, "\r\n.\r\n"));
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct template template;
    struct buf why = {0};
    struct buf value = {0};
    const uint8_t *cut = len > 0 ? memchr(bytes, 0, len) : NULL;
    size_t text_len = cut ? (size_t)(cut - bytes) : len;
    const char *html = cut ? (const char *)cut + 1 : NULL;
    size_t html_len = cut ? len - text_len - 1 : 0;
    const char *text = len > 0 ? (const char *)bytes : "";
    if (template_parse("x", text, text_len, html, html_len, &template, &why) == OK) {
        render(&template);
        template_fini(&template);
    } else {
        MUST(strncmp(buf_text(&why), "templates/x.", 12) == 0);
    }
    buf_add(&value, bytes, len);
    mail(buf_text(&value));
    char name[32];
    char address[32];
    (void)mail_split(buf_text(&value), name, sizeof name, address, sizeof address);
    buf_fini(&value);
    buf_fini(&why);
    return 0;
}

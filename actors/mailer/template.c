#include "template.h"

#include "hole.h"
#include "must.h"
#include "values.h"

#include <string.h>

enum { VARIABLE_BYTES_MAX = 40, MISTAKES_MAX = 20 };

const char *const template_variables[] = {"name",      "email", "amount", "object",      "reason",
                                          "community", "link",  "until",  "unsubscribe", NULL};

static bool known(const struct hole *hole)
{
    for (size_t i = 0; template_variables[i]; i++) {
        if (hole_is(hole, template_variables[i])) {
            return true;
        }
    }
    return false;
}

/* What is wrong, or NULL; "" for a name that there is not. */
static const char *read_hole(const char *at, struct hole *hole)
{
    const char *wrong = hole_read(at, hole);
    return wrong ? wrong : known(hole) ? NULL : "";
}

static void add_known(struct buf *why)
{
    for (size_t i = 0; template_variables[i]; i++) {
        buf_printf(why, "%s%s", i > 0 ? ", " : "", template_variables[i]);
    }
}

/* Sections do not nest. `open` is the one that the hole stands in; what is wrong, or NULL. */
static const char *check_section(const struct hole *hole, struct hole *open)
{
    if (hole->section == '#') {
        if (open->section) {
            return "a section within a section";
        }
        *open = *hole;
    } else if (hole->section == '/') {
        bool same = open->section && open->name_len == hole->name_len &&
                    memcmp(open->name, hole->name, hole->name_len) == 0;
        open->section = '\0';
        return same ? NULL : "the end of a section that was not begun";
    }
    return NULL;
}

static bool check_holes(const char *name, const char *ending, const char *text, struct buf *why)
{
    int mistakes = 0;
    int line = 1;
    int open_line = 0;
    bool mail = strcmp(ending, "txt") == 0;
    struct hole open = {0};
    for (const char *at = text; mistakes < MISTAKES_MAX;) {
        struct hole hole = {0};
        if (open.section && (!*at || (*at == '\n' && line == 1 && mail))) {
            mistakes++;
            open.section = '\0'; /* a subject is a text of its own */
            buf_printf(why, "templates/%s.%s:%d: a section without its end\n", name, ending,
                       open_line);
        }
        if (!*at) {
            break;
        }
        if (*at == '\n') {
            line++;
        }
        if (strncmp(at, "{{", 2) != 0) {
            at++;
            continue;
        }
        const char *wrong = read_hole(at, &hole);
        if (wrong) {
            mistakes++;
            buf_printf(why, "templates/%s.%s:%d: ", name, ending, line);
            if (*wrong) {
                buf_printf(why, "%s\n", wrong);
                at += 2;
                continue;
            }
            buf_printf(
                why, "unknown variable \"%.*s\"; expected one of ",
                (int)(hole.name_len < VARIABLE_BYTES_MAX ? hole.name_len : VARIABLE_BYTES_MAX),
                hole.name);
            add_known(why);
            buf_add_text(why, "\n");
        } else if ((wrong = check_section(&hole, &open)) != NULL) {
            mistakes++;
            buf_printf(why, "templates/%s.%s:%d: %s\n", name, ending, line, wrong);
        }
        open_line = hole.section == '#' ? line : open_line;
        at = hole.behind;
    }
    return mistakes == 0;
}

/* UTF-8 without controls other than tab and line ends. */
static bool check_bytes(const char *name, const char *ending, const char *bytes, size_t len,
                        struct buf *why)
{
    int line = 1;
    if (len > TEMPLATE_BYTES_MAX) {
        buf_printf(why, "templates/%s.%s:1: larger than %d bytes\n", name, ending,
                   TEMPLATE_BYTES_MAX);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        line += c == '\n';
        if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f) {
            buf_printf(why, "templates/%s.%s:%d: a control character (%d)\n", name, ending, line,
                       c);
            return false;
        }
    }
    json_t *checked = json_stringn(bytes, len);
    if (!checked) {
        buf_printf(why, "templates/%s.%s:1: expected UTF-8\n", name, ending);
        return false;
    }
    json_decref(checked);
    return true;
}

static char *copy(const char *bytes, size_t len)
{
    char *text = must_malloc(len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\r') {
            text[used++] = bytes[i];
        }
    }
    text[used] = '\0';
    return text;
}

static const char *behind_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* The lines between the subject and the empty line; NULL behind a mistake, which is said. */
static const char *read_fields(const char *name, const char *at, struct template *out,
                               struct buf *why)
{
    static const char begin[] = "Transactional:";
    out->transactional = true;
    for (int line = 2; *at && *at != '\n'; line++) {
        size_t len = strcspn(at, "\n");
        if (strncmp(at, begin, sizeof begin - 1) != 0) {
            buf_printf(why,
                       "templates/%s.txt:%d: expected an empty line behind the subject, or "
                       "\"Transactional: no\"\n",
                       name, line);
            return NULL;
        }
        const char *value = behind_blanks(at + sizeof begin - 1);
        size_t value_len = (size_t)(at + len - value);
        out->transactional = value_len == 3 && memcmp(value, "yes", 3) == 0;
        if (!out->transactional && (value_len != 2 || memcmp(value, "no", 2) != 0)) {
            buf_printf(why, "templates/%s.txt:%d: expected \"Transactional: no\", or yes\n", name,
                       line);
            return NULL;
        }
        at += len + (at[len] == '\n');
    }
    if (*at != '\n') {
        buf_printf(why, "templates/%s.txt:2: expected an empty line behind the subject\n", name);
        return NULL;
    }
    return at + 1;
}

/* "Subject: words", other fields, an empty line, the text. */
static bool split(const char *name, char *whole, struct template *out, struct buf *why)
{
    static const char begin[] = "Subject:";
    size_t len = strcspn(whole, "\n");
    if (strncmp(whole, begin, sizeof begin - 1) != 0) {
        buf_printf(why, "templates/%s.txt:1: expected \"Subject: ...\" in the first line\n", name);
        return false;
    }
    const char *text = read_fields(name, whole + len + (whole[len] == '\n'), out, why);
    whole[len] = '\0';
    const char *subject = behind_blanks(whole + sizeof begin - 1);
    if (text && !*subject) {
        buf_printf(why, "templates/%s.txt:1: the subject is empty\n", name);
    }
    if (!text || !*subject) {
        return false;
    }
    out->subject = must_strdup(subject);
    out->text = must_strdup(text);
    return true;
}

enum fault template_parse(const char *name, const char *text, size_t text_len, const char *html,
                          size_t html_len, struct template *out, struct buf *why)
{
    *out = (struct template){0};
    bool good = check_bytes(name, "txt", text, text_len, why);
    good &= !html || check_bytes(name, "html", html, html_len, why);
    if (!good) {
        return FAULT_CONFIG;
    }
    char *whole = copy(text, text_len);
    good = check_holes(name, "txt", whole, why);
    good &= split(name, whole, out, why);
    free(whole);
    if (html) {
        out->html = copy(html, html_len);
        good &= check_holes(name, "html", out->html, why);
    }
    if (!good) {
        template_fini(out);
        return FAULT_CONFIG;
    }
    return OK;
}

void template_fini(struct template *template)
{
    free(template->subject);
    free(template->text);
    free(template->html);
    *template = (struct template){0};
}

/* --- rendering ---------------------------------------------------------------------------------- */

static void add_escaped(const char *text, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '&':
            buf_add_text(out, "&amp;");
            break;
        case '<':
            buf_add_text(out, "&lt;");
            break;
        case '>':
            buf_add_text(out, "&gt;");
            break;
        case '"':
            buf_add_text(out, "&quot;");
            break;
        case '\'':
            buf_add_text(out, "&#39;");
            break;
        default:
            buf_add(out, text + i, 1);
        }
    }
}

static void add_subject(const char *text, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        bool control = (unsigned char)text[i] < ' ' || text[i] == 0x7f;
        buf_add(out, control ? " " : text + i, 1);
    }
}

static const char *value_of(const struct hole *hole, const json_t *values)
{
    char name[VARIABLE_BYTES_MAX];
    MUST(hole->name_len < sizeof name);
    memcpy(name, hole->name, hole->name_len);
    name[hole->name_len] = '\0';
    return tree_text(values, name);
}

static void add_value(enum template_part part, const struct hole *hole, const json_t *values,
                      struct buf *out)
{
    const char *value = value_of(hole, values);
    size_t len = strlen(value);
    bool given = len > 0;
    if (!given) {
        value = hole->fallback ? hole->fallback : "";
        len = hole->fallback_len;
    }
    if (part == TEMPLATE_HTML && given) { /* the fallback is the founder's own HTML */
        add_escaped(value, len, out);
    } else if (part == TEMPLATE_SUBJECT) {
        add_subject(value, len, out);
    } else {
        buf_add(out, value, len);
    }
}

/* Behind a hole. The end or beginning of a section that stands alone takes its line along. */
static const char *behind(const char *text, const char *at, const struct hole *hole)
{
    bool alone = (at == text || at[-1] == '\n') && *hole->behind == '\n';
    return hole->behind + (hole->section && alone);
}

enum fault template_render(const struct template *template, enum template_part part,
                           const json_t *values, struct buf *out)
{
    const char *text = part == TEMPLATE_SUBJECT ? template->subject
                       : part == TEMPLATE_TEXT  ? template->text
                                                : template->html;
    bool left_out = false; /* within the section of a value that is not there */
    MUST(text);
    for (const char *at = text; *at;) {
        struct hole hole = {0};
        size_t len = strcspn(at, "{");
        buf_add(out, at, left_out ? 0 : len);
        at += len;
        if (!*at) {
            break;
        }
        if (strncmp(at, "{{", 2) != 0) {
            buf_add(out, at++, left_out ? 0 : 1);
            continue;
        }
        const char *wrong = read_hole(at, &hole);
        MUST(!wrong); /* parsed */
        if (hole.section) {
            left_out = hole.section == '#' && !*value_of(&hole, values);
        } else if (!left_out) {
            add_value(part, &hole, values, out);
        }
        at = behind(text, at, &hole);
        if (out->len > TEMPLATE_RENDERED_BYTES_MAX) {
            return FAULT_TOO_LARGE;
        }
    }
    return out->len > TEMPLATE_RENDERED_BYTES_MAX ? FAULT_TOO_LARGE : OK;
}

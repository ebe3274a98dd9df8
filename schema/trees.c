/* trees.c - the getters and setters for trees that values.h declares. */
#include "must.h"
#include "values.h"

const char *tree_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t tree_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool tree_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

json_t *tree_get(const json_t *object, const char *key)
{
    return json_object_get(object, key);
}

void tree_set(json_t *object, const char *key, json_t *value)
{
    MUST(value && json_object_set_new(object, key, value) == 0);
}

void tree_set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = text && *text ? json_string(text) : NULL; /* NULL, too, for what is not UTF-8 */
    if (value) {
        tree_set(object, key, value);
    }
}

void tree_set_int(json_t *object, const char *key, int64_t number)
{
    tree_set(object, key, json_integer(number));
}

void tree_set_flag(json_t *object, const char *key, bool flag)
{
    tree_set(object, key, json_boolean(flag));
}

#include "must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "{\"level\":\"fatal\",\"message\":\"must: %s\",\"at\":\"%s:%d\"}\n", what, file,
            line);
    abort();
}

void *must_malloc(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    MUST(memory);
    return memory;
}

void *must_calloc(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes ? bytes : 1);
    MUST(memory);
    return memory;
}

void *must_realloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);
    MUST(memory);
    return memory;
}

char *must_strdup(const char *text)
{
    char *copy = strdup(text);
    MUST(copy);
    return copy;
}

char *must_sprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    MUST(vasprintf(&text, format, args) >= 0);
    va_end(args);
    return text;
}

/* must.h - our own bugs. MUST(x) aborts when x is false, in every build.
 *
 * Never reachable from outside bytes: what the world can get wrong is an enum fault. */
#ifndef USHER_MUST_H
#define USHER_MUST_H

#define MUST(x) ((x) ? (void)0 : must_fail(#x, __FILE__, __LINE__))

_Noreturn void must_fail(const char *what, const char *file, int line);

/* malloc, calloc, realloc and strdup that abort without memory: queues are bounded, and the
 * journal makes a crash safe. Free with free(). */
void *must_malloc(__SIZE_TYPE__ bytes);
void *must_calloc(__SIZE_TYPE__ count, __SIZE_TYPE__ bytes);
void *must_realloc(void *old, __SIZE_TYPE__ bytes);
char *must_strdup(const char *text);
char *must_sprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
